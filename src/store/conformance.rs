//! What any store has to do, to be tried with one's own.
