//! Managers against a small world.
