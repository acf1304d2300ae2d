"""Addresses of this machine, and whether two processes share one."""

from __future__ import annotations

import fcntl
import socket
import struct
from contextlib import suppress
from pathlib import Path

_SIOCGIFADDR = 0x8915
"""Linux request for the IPv4 address of a network interface."""


def own_addresses() -> list[str]:
    """IPv4 addresses of this machine's network interfaces, that of the machine itself first."""
    found = ["127.0.0.1"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for _, name in socket.if_nameindex():
            with suppress(OSError):
                request = struct.pack("256s", name.encode()[:15])
                found.append(socket.inet_ntoa(fcntl.ioctl(any_socket.fileno(), _SIOCGIFADDR, request)[20:24]))
    if len(found) == 1:  # not Linux
        with suppress(OSError):
            found += socket.gethostbyname_ex(socket.gethostname())[2]
    return list(dict.fromkeys(found))


def machine() -> tuple[str, str, int]:
    """What is equal in processes that reach each other by the loopback interface: host, boot, and network namespace."""
    boot, namespace = "", 0
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = Path("/proc/self/ns/net").stat().st_ino
    return socket.gethostname(), boot, namespace
