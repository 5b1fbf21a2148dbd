//! Functions, as Lambda has them: what is registered, which instances of it are alive, and how an event reaches one.

pub mod runtime;
