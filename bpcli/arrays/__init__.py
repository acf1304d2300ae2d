"""Arrays and their layout: fields, named slots of a vector, scratch memory, encoded rows."""
