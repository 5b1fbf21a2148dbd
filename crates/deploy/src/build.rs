//! Building code packages.
