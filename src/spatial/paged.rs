//! A flat array by person's number that grows in pages: dense numbers cost an array look-up, and a lone huge number
//! costs a page table (4 bytes in a thousand), not an array up to it.
use crate::domain::UserNo;

const PAGE: usize = 4_096;

/// Values by [`UserNo`].
#[derive(Clone, Debug)]
pub(super) struct Paged<T> {
    pages: Vec<Vec<Option<T>>>,
}

impl<T> Paged<T> {
    pub(super) const fn new() -> Self {
        Self { pages: Vec::new() }
    }

    #[inline]
    pub(super) fn get(&self, no: UserNo) -> Option<&T> {
        self.pages.get(no.index() / PAGE)?.get(no.index() % PAGE)?.as_ref()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, no: UserNo) -> Option<&mut T> {
        self.pages.get_mut(no.index() / PAGE)?.get_mut(no.index() % PAGE)?.as_mut()
    }

    /// Puts a value in its place; pages before it stay empty, a page reaches only as far as its last value.
    pub(super) fn insert(&mut self, no: UserNo, value: T) {
        let (page, place) = (no.index() / PAGE, no.index() % PAGE);
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, Vec::new);
        }
        let Some(page) = self.pages.get_mut(page) else { return };
        if page.len() <= place {
            page.resize_with(place + 1, || None);
        }
        if let Some(here) = page.get_mut(place) {
            *here = Some(value);
        }
    }

    /// Every value with its number, by rising number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (UserNo, &T)> {
        self.pages.iter().enumerate().flat_map(|(page, values)| {
            let numbered = move |(place, value): (usize, &'_ Option<T>)| value.as_ref().map(|_| page * PAGE + place);
            let numbers = values.iter().enumerate().filter_map(numbered);
            numbers
                .zip(values.iter().flatten())
                .filter_map(|(no, value)| Some((UserNo(u32::try_from(no).ok()?), value)))
        })
    }

    pub(super) fn remove(&mut self, no: UserNo) -> Option<T> {
        self.pages.get_mut(no.index() / PAGE)?.get_mut(no.index() % PAGE)?.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_number_costs_a_page_table_and_not_an_array() {
        let mut paged = Paged::new();
        paged.insert(UserNo(u32::MAX), 'z');
        paged.insert(UserNo(0), 'a');
        assert_eq!((paged.get(UserNo(0)), paged.get(UserNo(u32::MAX))), (Some(&'a'), Some(&'z')));
        assert_eq!((paged.get(UserNo(1)), paged.get(UserNo(u32::MAX - 1))), (None, None));
        assert_eq!(paged.pages.iter().map(Vec::len).sum::<usize>(), PAGE + 1);
        assert_eq!(paged.iter().collect::<Vec<_>>(), [(UserNo(0), &'a'), (UserNo(u32::MAX), &'z')]);
        assert_eq!(
            (paged.remove(UserNo(0)), paged.remove(UserNo(0)), paged.remove(UserNo(5_000))),
            (Some('a'), None, None)
        );
    }
}
