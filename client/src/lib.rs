//! A client of Duologue: a sans-IO engine and drivers.
