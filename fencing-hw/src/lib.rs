//! Power switches: IPMI, PDUs and relays as codecs and state machines.
