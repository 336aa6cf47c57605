//! Two machines in QEMU, seen only from outside.
