use proptest::prelude::*;

use super::{Layout, Long, Places, Pool, Site, Visibility};
use crate::maner::tokenizer::Special;

const SPECIAL: Special = Special { start: 0, pad: 1, end: 2, unknown: 3, mask: 4 };
const SITES: [Site; 5] = [Site::Tokcls, Site::Prepend, Site::Append, Site::MaskFiller, Site::Cloze];

fn layout(site: Site, max_len: usize) -> Layout {
    Layout {
        site,
        pool: Pool::First,
        visibility: Visibility::Full,
        places: Places::Consecutive,
        filler: SPECIAL.mask,
        special: SPECIAL,
        max_len,
        long: Long::Windows,
    }
}

#[test]
fn what_is_cut_off_is_in_no_window() {
    let units = vec![vec![7]; 20];
    for site in SITES {
        let cut = Layout { long: Long::Truncate, ..layout(site, 10) };
        let whole = layout(site, 10);
        assert!(whole.windows(&units).len() > 1, "{site:?}");
        let first = whole.windows(&units)[..1].to_vec();
        assert_eq!(cut.windows(&units), first);
        let words: Vec<usize> = first[0].clone().collect();
        assert_eq!(cut.overlapping(&units, None), [(first[0].clone(), words)]);
        let roomy = Layout { max_len: 100, ..cut };
        assert_eq!(roomy.windows(&units), std::slice::from_ref(&(0..20)), "nothing to cut");
    }
}

#[test]
fn the_example_of_the_specification() {
    let units = [vec![7], vec![8, 9], vec![10]];
    let check = |site: Site, pool: Pool, ids: &str, sites: &str| {
        let sequences = Layout { pool, ..layout(site, 512) }.sequences(&units, 0..3);
        let shown =
            |numbers: Vec<usize>| numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let found: Vec<(String, String)> = sequences
            .into_iter()
            .map(|s| (shown(s.ids.into_iter().map(|id| id as usize).collect()), shown(s.sites)))
            .collect();
        let which = usize::from(site == Site::Cloze);
        assert_eq!(found[which], (ids.to_owned(), sites.to_owned()), "{site:?} {pool:?}");
    };
    check(Site::Tokcls, Pool::First, "0 7 8 9 10 2", "1 2 4");
    check(Site::Prepend, Pool::First, "0 4 7 4 8 9 4 10 2", "1 3 6");
    check(Site::Append, Pool::First, "0 7 4 8 9 4 10 4 2", "2 5 7");
    check(Site::MaskFiller, Pool::First, "0 4 7 4 8 9 4 10 2", "2 4 7");
    check(Site::Cloze, Pool::First, "0 7 4 10 2", "2");
    check(Site::Tokcls, Pool::Last, "0 7 8 9 10 2", "1 3 4");
    check(Site::Tokcls, Pool::Mean, "0 7 8 9 10 2", "1 2 4");
    check(Site::MaskFiller, Pool::Last, "0 4 7 4 8 9 4 10 2", "2 5 7");
    check(Site::Prepend, Pool::Last, "0 4 7 4 8 9 4 10 2", "1 3 6");
}

#[test]
fn masks_apart() {
    let units = [vec![7], vec![8, 9], vec![10]];
    let check = |site: Site, places: &[u32], veiled: &[usize]| {
        let layout =
            Layout { visibility: Visibility::QueryOnly, places: Places::Shared, ..layout(site, 512) };
        let sequence = layout.sequences(&units, 0..3).remove(0);
        assert_eq!(sequence.places, places, "{site:?}");
        let found: Vec<usize> = (0..sequence.ids.len()).filter(|at| sequence.veil[*at]).collect();
        assert_eq!(found, veiled, "{site:?}");
    };
    check(Site::Tokcls, &[0, 1, 2, 3, 4, 5], &[]);
    check(Site::Prepend, &[0, 1, 1, 2, 2, 3, 4, 4, 5], &[1, 3, 6]);
    check(Site::MaskFiller, &[0, 1, 1, 2, 2, 3, 4, 4, 5], &[1, 3, 6]);
    check(Site::Append, &[0, 1, 1, 2, 3, 2, 4, 4, 5], &[2, 5, 7]);
    let plain = layout(Site::Prepend, 512).sequences(&units, 0..3).remove(0);
    assert!(plain.places.is_empty() && plain.veil.is_empty(), "the paper's masks are tokens like the others");
    let mean = Layout { pool: Pool::Mean, ..layout(Site::Tokcls, 512) }.sequences(&units, 0..3).remove(0);
    assert_eq!(mean.spans, [1, 2, 1]);
}

#[test]
fn windows_share_as_many_words_as_told() {
    let units = vec![vec![7]; 20];
    let windows = |overlap: Option<usize>| {
        let windows = layout(Site::Tokcls, 12).overlapping(&units, overlap);
        windows.into_iter().map(|(window, _)| window).collect::<Vec<_>>()
    };
    assert_eq!(windows(None), [0..10, 5..15, 10..20]);
    assert_eq!(windows(Some(0)), [0..10, 10..20]);
    assert_eq!(windows(Some(8)), [0..10, 2..12, 4..14, 6..16, 8..18, 10..20]);
    assert_eq!(windows(Some(50)).len(), 11, "a window moves by a word at least");
}

#[test]
fn a_word_too_long_keeps_its_first_subwords() {
    let units = [vec![7; 50], vec![8]];
    for site in SITES {
        let layout = layout(site, 10);
        assert_eq!(
            layout.windows(&units).len(),
            if site == Site::Tokcls || site == Site::Cloze { 1 } else { 2 }
        );
        for window in layout.windows(&units) {
            assert!(layout.sequences(&units, window).iter().all(|s| s.ids.len() <= 10), "{site:?}");
        }
    }
}

/// Sentences of up to 60 words of up to 6 subwords; ids from 5 on are ordinary.
fn any_units() -> impl Strategy<Value = Vec<Vec<u32>>> {
    prop::collection::vec(prop::collection::vec(5_u32..50, 1..6), 1..60)
}

proptest! {
    #[test]
    fn masks_are_all_that_is_added(units in any_units()) {
        let of = |site| layout(site, 4096).sequences(&units, 0..units.len()).remove(0);
        let plain = of(Site::Tokcls);
        for site in [Site::Prepend, Site::Append, Site::MaskFiller] {
            let masked = of(site);
            prop_assert_eq!(masked.ids.len(), plain.ids.len() + units.len());
            let without: Vec<u32> = masked.ids.iter().copied().filter(|id| *id != SPECIAL.mask).collect();
            prop_assert_eq!(&without, &plain.ids);
        }
        let (prepend, append, filler) = (of(Site::Prepend), of(Site::Append), of(Site::MaskFiller));
        prop_assert!(prepend.sites.windows(2).all(|w| w[0] < w[1]));
        for (i, unit) in units.iter().enumerate() {
            prop_assert_eq!(prepend.ids[prepend.sites[i]], SPECIAL.mask);
            prop_assert_eq!(prepend.ids[prepend.sites[i] + 1], unit[0]);
            prop_assert_eq!(append.ids[append.sites[i]], SPECIAL.mask);
            prop_assert_eq!(append.ids[append.sites[i] - 1], unit[unit.len() - 1]);
            prop_assert_eq!(filler.sites[i], prepend.sites[i] + 1);
        }
    }

    #[test]
    fn windows_hold_every_word_once(units in any_units(), max_len in 8_usize..40, site in 0_usize..5) {
        let layout = layout(SITES[site], max_len);
        let windows = layout.windows(&units);
        prop_assert_eq!(windows.iter().flat_map(Clone::clone).collect::<Vec<_>>(), (0..units.len()).collect::<Vec<_>>());
        let mut predicted: Vec<usize> = Vec::new();
        for (window, words) in layout.overlapping(&units, None) {
            prop_assert!(words.iter().all(|w| window.contains(w)));
            predicted.extend(words);
            for sequence in layout.sequences(&units, window.clone()) {
                prop_assert!(sequence.ids.len() <= max_len);
            }
        }
        predicted.sort_unstable();
        prop_assert_eq!(predicted, (0..units.len()).collect::<Vec<_>>());
    }

    #[test]
    fn a_wide_window_is_no_window(units in any_units(), site in 0_usize..5) {
        let layout = layout(SITES[site], 4096);
        prop_assert_eq!(layout.windows(&units), vec![0..units.len()]);
        let words: Vec<usize> = (0..units.len()).collect();
        prop_assert_eq!(layout.overlapping(&units, None), vec![(0..units.len(), words)]);
    }
}
