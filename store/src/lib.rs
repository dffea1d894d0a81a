//! Where facts are kept: the trait, its contract suite, memory and SQLite.
