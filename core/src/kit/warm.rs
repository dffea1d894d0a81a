//! Memory that will be needed is asked for all at once. In a realm of a million people most of what a step touches is not in the
//! processor's cache; loads that do not depend on each other wait together, while the branches between them would make each wait
//! alone.

/// Reads one number of each thing that is about to be used, and does nothing with it.
pub fn warm(numbers: impl Iterator<Item = u32>) {
    core::hint::black_box(numbers.fold(0, |all, number| all ^ number));
}
