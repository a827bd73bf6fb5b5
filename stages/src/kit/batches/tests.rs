use super::*;

#[test]
fn an_epoch_sees_every_example_once() {
    let batches = Batches::new(10, 4, Stream::new(1, "order"));
    assert_eq!(batches.per_epoch(), 3);
    let epoch = |e: u64| (3 * e..3 * e + 3).map(|step| batches.of(step)).collect::<Vec<_>>();
    assert_eq!(epoch(0).iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
    for e in 0..3 {
        let mut seen = epoch(e).concat();
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }
    assert_ne!(epoch(0), epoch(1));
    assert_eq!(epoch(1), epoch(1));
}

#[test]
fn one_example_is_a_batch() {
    let batches = Batches::new(1, 8, Stream::new(1, "order"));
    assert_eq!((batches.per_epoch(), batches.of(7)), (1, vec![0]));
}
