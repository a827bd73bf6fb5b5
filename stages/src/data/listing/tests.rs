use super::*;

fn entries() -> Vec<Entry> {
    let place = Place { offset: 512, bytes: 3 };
    let entry = |name: &str| Entry::of(name.to_owned(), place, b"abc", &[1, 2, 3, 4, 5, 250], 3);
    vec![entry("cat/a, \"b\".png"), entry("dog/c.jpg")]
}

#[test]
fn sums_are_those_of_channels() {
    let entry = &entries()[0];
    assert_eq!((entry.sums.as_slice(), entry.squares.as_slice()), (&[3, 7, 255][..], &[5, 25, 62_525][..]));
}

#[test]
fn a_list_reads_back() {
    let listing = Listing::new(entries());
    let text = String::from_utf8(listing.text()).unwrap();
    assert_eq!(Listing::parse(&text, 3).unwrap(), listing);
    assert_eq!(listing.chosen(&[1]).entries[0].name, "dog/c.jpg");
}

#[test]
fn broken_lists_are_told() {
    let text = String::from_utf8(Listing::new(entries()).text()).unwrap();
    let check = |from: &str, to: &str, expected: &str| {
        let error = Listing::parse(&text.replacen(from, to, 1), 3).unwrap_err();
        assert!(error.contains(expected), "{error}");
    };
    check("offset", "place", "expected the columns file, offset, bytes, digest, sums, squares");
    check("512", "-1", "expected a file and its numbers in line 2");
    check("3 7 255", "3 7", "expected a file and its numbers in line 2");
    check("jpg,512", "jpg", "CSV error");
}

#[test]
fn files_must_be_known() {
    let error = Listing::new(entries()).picture(0, Cut::Middle, 3, 8).unwrap_err().to_string();
    assert!(error.ends_with("expected the folder or archive of them at parameter `files`"), "{error}");
}
