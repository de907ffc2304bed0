//! The hand-over, model-checked.
