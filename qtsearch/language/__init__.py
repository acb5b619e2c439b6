"""The query language: what in a typed query is syntax, and the Whoosh query tree that it stands for."""
