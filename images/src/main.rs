//! Builds the image and the packages, and runs the project's tasks.

fn main() {}
