//! Two whole nodes in a simulated world, with checkers.
