//! The shell that carries out a search: slots, budgets, retries, journal, replay.
