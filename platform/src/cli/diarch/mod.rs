//! `diarch` itself: what is not one of Pacemaker's tools.
