//! The one executable: guardian, manager and every applet.

fn main() {}
