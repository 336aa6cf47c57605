//! The examples of *Pacemaker Explained* as claims, one module for each chapter.
//!
//! The configurations are written for these tests: they have what an example shows, not its text.
//! `MANUAL_KEEP=FOLDER` keeps each with its drawing, to give it to another scheduler.

#[cfg(test)]
mod appendix;
#[cfg(test)]
mod ch02_configuration;
#[cfg(test)]
mod ch04_resources;
#[cfg(test)]
mod ch05_constraints;
#[cfg(test)]
mod ch05_sets;
#[cfg(test)]
mod ch06_fencing;
#[cfg(test)]
mod ch08_rules;
#[cfg(test)]
mod ch09_advanced;
#[cfg(test)]
mod ch10_bundles;
#[cfg(test)]
mod ch10_collective;
#[cfg(test)]
mod ch11_reuse;
#[cfg(test)]
mod ch12_utilization;
#[cfg(test)]
mod ch14_status;
#[cfg(test)]
mod ch15_tickets;
#[cfg(test)]
mod world;
