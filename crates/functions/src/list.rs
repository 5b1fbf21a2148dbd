//! Pages of lists. A marker is the key of the last entry shown, in hex so that nobody takes it for something to build.

use crate::Error;
use crate::limits;

/// One page, and where the next begins.
#[derive(Debug)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Present if there are more.
    pub marker: Option<String>,
}

/// Which page.
#[derive(Debug, Default)]
pub struct PageRequest {
    /// From the page before.
    pub marker: Option<String>,
    /// The most entries wanted; more than 50 are never shown, except where AWS does.
    pub max: Option<u32>,
}

impl PageRequest {
    /// Cuts a page out of `items`, which are ordered by `key`.
    pub(crate) fn cut<T>(&self, items: impl Iterator<Item = T>, key: impl Fn(&T) -> String) -> Result<Page<T>, Error> {
        let invalid = || Error::invalid("The Marker is not one that a list has returned.");
        let decode = |marker: &String| String::from_utf8(hex::decode(marker).ok()?).ok();
        let after = self.marker.as_ref().map(|marker| decode(marker).ok_or_else(invalid)).transpose()?;
        let limit = self.max.map_or(limits::PAGE, |max| (max as usize).clamp(1, limits::PAGE));
        let mut rest = items.skip_while(|item| after.as_ref().is_some_and(|after| key(item) <= *after));
        let page: Vec<T> = rest.by_ref().take(limit).collect();
        let more = rest.next().is_some();
        let marker = page.last().filter(|_| more).map(|last| hex::encode(key(last)));
        Ok(Page { items: page, marker })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pages_join_to_the_whole_list() {
        let all: Vec<String> = (0..120).map(|number| format!("{number:03}")).collect();
        let (mut seen, mut marker) = (Vec::new(), None);
        loop {
            let request = PageRequest { marker, max: Some(7) };
            let page = request.cut(all.iter(), |item| item.to_string()).unwrap();
            assert!(page.items.len() <= 7);
            seen.extend(page.items.into_iter().cloned());
            marker = page.marker;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
        let strange = PageRequest { marker: Some("zz".into()), max: None };
        assert!(strange.cut(all.iter(), |item| item.to_string()).is_err());
    }
}
