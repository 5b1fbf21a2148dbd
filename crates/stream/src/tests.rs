//! What holds of streams as a whole.
