use std::collections::BTreeSet;

use runpipe_base::Kind;

use super::registry;

#[test]
fn stages_say_what_they_are() {
    let registry = registry();
    for name in registry.stage_names() {
        let (_, spec, schema) = registry.stage(name).unwrap();
        assert!(spec.summary.ends_with('.') && spec.summary.len() > 10, "`{name}` has a summary");
        assert_eq!(spec.code.len(), 64, "`{name}` has a digest of its source");
        assert!(schema.iter().all(|p| !p.doc.is_empty()), "every parameter of `{name}` is documented");
        let mut kinds: Vec<&Kind> = vec![&spec.output];
        kinds.extend(spec.inputs.iter().map(|port| &port.kind));
        kinds.extend(spec.parts.iter().map(|part| &part.kind));
        for kind in kinds {
            assert!(
                *kind == Kind::ANY || registry.kind(kind.as_str()).is_some(),
                "`{name}` names the kind `{kind}`"
            );
        }
        let names: BTreeSet<&str> = spec.metrics.iter().map(|m| m.name.as_ref()).collect();
        assert_eq!(names.len(), spec.metrics.len(), "`{name}` declares a number twice");
    }
}

#[test]
fn a_folder_shares_one_digest() {
    let registry = registry();
    let digest = |name: &str| registry.stage(name).unwrap().1.code.clone();
    assert_eq!(digest("data.take"), digest("data.text"));
    assert_ne!(digest("data.take"), digest("maner.language"));
}
