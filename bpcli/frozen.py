"""Frozen dataclasses that are quick to define.

The standard library compiles six functions for each frozen class, which takes longer than the rest of its module. Here
five of them are shared, and `__init__` is compiled for the first instance.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, NoReturn

_Field = dataclasses.Field[Any]


@dataclasses.dataclass(frozen=True)
class _Standard:
    """Class frozen by the library, whose parameters let classes of both kinds inherit from each other."""

    plain: int


_PLAIN: Any = dataclasses.fields(_Standard)[0]
"""Field that is neither a class variable nor an argument of `__init__` alone."""


class _Shared:
    """Methods of all frozen dataclasses."""

    @recursive_repr()
    def __repr__(self: Any) -> str:
        shown = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def __eq__(self: Any, other: Any) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return bool(self._compared(self) == self._compared(other))

    def __hash__(self: Any) -> int:
        return hash(self._compared(self))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


_METHODS = {name: method for name, method in vars(_Shared).items() if callable(method)}


def _define(cls: Any, kw_only: bool) -> Any:
    """Make `cls` a frozen dataclass."""
    own = _own_fields(cls, kw_only)
    inherited = [vars(base).get("__dataclass_fields__", {}) for base in reversed(cls.__mro__[1:])]
    cls.__dataclass_fields__ = {name: field for fields in (*inherited, own) for name, field in fields.items()}
    cls.__dataclass_params__ = vars(_Standard)["__dataclass_params__"]
    fields = dataclasses.fields(cls)
    cls.__match_args__ = tuple(field.name for field in fields if field.init and not field.kw_only)  # type: ignore[misc]
    compared = [field.name for field in fields if field.compare]
    cls._compared = staticmethod(attrgetter(*compared) if compared else type)
    cls.__init__ = _first_initializer(cls, fields)
    for name, method in _METHODS.items():
        if vars(cls).get(name) is None:
            setattr(cls, name, method)
    return cls


def _own_fields(cls: Any, kw_only: bool) -> dict[str, _Field]:
    """Fields that `cls` adds to those of its bases. Their defaults become class attributes."""
    missing: Any = dataclasses.MISSING
    own: dict[str, _Field] = {}
    for name, kind in cls.__annotations__.items():
        if str(kind).startswith(("ClassVar", "typing.ClassVar")):
            continue
        default = getattr(cls, name, missing)
        field: Any = default if isinstance(default, dataclasses.Field) else dataclasses.field(default=default)
        if field.default.__class__.__hash__ is None:
            raise ValueError(f"mutable default of field {name}: use default_factory")
        field.name, field.type, field._field_type = name, kind, _PLAIN._field_type
        if field.kw_only is missing:
            field.kw_only = kw_only
        if default is field and field.default is missing:
            delattr(cls, name)
        elif default is field:
            setattr(cls, name, field.default)
        own[name] = field
    return own


def _first_initializer(cls: Any, fields: Sequence[_Field]) -> Callable[..., None]:
    """`__init__` that replaces itself by the compiled one."""

    def __init__(self: Any, *given: Any, **named: Any) -> None:
        cls.__init__ = _initializer(cls, fields)
        cls.__init__(self, *given, **named)

    return __init__


def _initializer(cls: Any, fields: Sequence[_Field]) -> Callable[..., None]:
    """`__init__` of a class with these fields."""
    missing = dataclasses.MISSING
    names: dict[str, Any] = {"_set": object.__setattr__, "_absent": object()}
    positional, keywords, lines = ["self"], ["*"], []
    for name, field in ((field.name, field) for field in fields):
        value, default = name, ""
        if field.default_factory is not missing:
            names[f"_make_{name}"] = field.default_factory
            value, default = f"_make_{name}()", "=_absent"
            if field.init:
                value += f" if {name} is _absent else {name}"
        elif field.default is not missing:
            names[f"_default_{name}"] = field.default
            default = f"=_default_{name}"
        if field.init:
            (keywords if field.kw_only else positional).append(name + default)
        if field.init or field.default_factory is not missing:
            lines.append(f" _set(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    parameters = ", ".join(positional + (keywords if len(keywords) > 1 else []))
    exec("\n".join([f"def __init__({parameters}):", *(lines or [" pass"])]), names)
    initializer: Callable[..., None] = names["__init__"]
    initializer.__qualname__ = f"{cls.__qualname__}.__init__"
    return initializer


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: bool, kw_only: bool = False) -> Callable[[type], type]:
        """Make a class a frozen dataclass, as `dataclasses.dataclass` does."""
        assert frozen
        return lambda cls: _define(cls, kw_only)
