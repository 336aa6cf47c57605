//! Tables whose rows are named by typed indices; they only grow, and iterate in order of creation.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::ops::{Index, IndexMut};

/// The name of a row in an [`Arena`] whose rows are of kind `T`.
pub struct Idx<T> {
    raw: u32,
    kind: PhantomData<fn() -> T>,
}

impl<T> Idx<T> {
    /// Names the row at `position`.
    pub(crate) fn new(position: usize) -> Self {
        Self { raw: u32::try_from(position).unwrap_or(u32::MAX), kind: PhantomData }
    }

    /// Gives the row's position in the table.
    #[must_use]
    pub const fn position(self) -> usize {
        self.raw as usize
    }
}

impl<T> Clone for Idx<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Idx<T> {}
impl<T> PartialEq for Idx<T> {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}
impl<T> Eq for Idx<T> {}
impl<T> PartialOrd for Idx<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Idx<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.raw.cmp(&other.raw)
    }
}
impl<T> Hash for Idx<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}
impl<T> fmt::Debug for Idx<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.raw)
    }
}

/// A growing table of `T`, its rows named by [`Idx`] of `K`.
#[derive(Debug)]
pub struct Arena<K, T> {
    rows: Vec<T>,
    kind: PhantomData<fn() -> K>,
}

impl<K, T: Clone> Clone for Arena<K, T> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone(), kind: PhantomData }
    }
}

impl<K, T> Default for Arena<K, T> {
    fn default() -> Self {
        Self { rows: Vec::new(), kind: PhantomData }
    }
}

impl<K, T> Arena<K, T> {
    /// Adds a row and names it.
    pub(crate) fn push(&mut self, row: T) -> Idx<K> {
        let index = Idx::new(self.rows.len());
        self.rows.push(row);
        index
    }

    /// Counts the rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Tells whether there is no row.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Iterates over the rows' names in order of creation.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = Idx<K>> + use<K, T> {
        (0..self.rows.len()).map(Idx::new)
    }

    /// Iterates over the rows in order of creation.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Idx<K>, &T)> {
        self.rows.iter().enumerate().map(|(position, row)| (Idx::new(position), row))
    }
}

impl<K, T> Index<Idx<K>> for Arena<K, T> {
    type Output = T;
    fn index(&self, index: Idx<K>) -> &T {
        &self.rows[index.position()]
    }
}

impl<K, T> IndexMut<Idx<K>> for Arena<K, T> {
    fn index_mut(&mut self, index: Idx<K>) -> &mut T {
        &mut self.rows[index.position()]
    }
}
