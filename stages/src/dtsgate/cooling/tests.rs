use proptest::prelude::*;

use super::*;

fn cooling(course: Course) -> Cooling {
    Cooling { course, hot: 2.0, cold: 0.5, until: 5000, hard: Some(6000) }
}

/// The specification's schedule vectors.
#[test]
fn temperatures_worked_by_hand() {
    let at = |course, updates: [u64; 5]| updates.map(|t| cooling(course).at(t).temperature);
    let close = |found: [f64; 5], expected: [f64; 5]| {
        assert!(found.iter().zip(&expected).all(|(f, e)| (f - e).abs() < 1e-5), "{found:?}");
    };
    let updates = [0, 1000, 2500, 5000, 9000];
    close(at(Course::Linear, updates), [2.0, 1.7, 1.25, 0.5, 0.5]);
    close(at(Course::Exponential, updates), [2.0, 1.51572, 1.0, 0.5, 0.5]);
    assert!(!cooling(Course::Linear).at(5999).hard && cooling(Course::Linear).at(6000).hard);
    assert!(!Cooling { hard: None, ..cooling(Course::Linear) }.at(u64::MAX).hard);
    assert!(Cooling { hard: Some(0), ..cooling(Course::Linear) }.at(0).hard);
}

#[test]
fn refused() {
    let refusal = |cooling: Cooling| cooling.check().unwrap_err().to_string();
    let warm = Cooling { cold: 3.0, ..cooling(Course::Linear) };
    assert_eq!(refusal(warm), "expected temperatures with 0 < `cold` <= `hot`, found 3 and 2");
    assert!(Cooling { cold: 0.0, ..cooling(Course::Linear) }.check().is_err());
    let never = Cooling { until: 0, ..cooling(Course::Linear) };
    assert_eq!(refusal(never), "expected a temperature that falls over an update at least");
}

proptest! {
    /// Never up, within its ends, both courses alike at both ends.
    #[test]
    fn it_falls(hot in 0.5f64..10.0, share in 0.01f64..1.0, until in 1u64..500, t in 0u64..1000) {
        let of = |course| Cooling { course, hot, cold: hot * share, until, hard: None };
        for course in [Course::Linear, Course::Exponential] {
            let cooling = of(course);
            let now = cooling.at(t).temperature;
            prop_assert!(cooling.at(t + 1).temperature <= now);
            prop_assert!((cooling.cold..=cooling.hot).contains(&now));
            prop_assert_eq!(cooling.at(0).temperature.to_bits(), hot.to_bits());
            prop_assert_eq!(cooling.at(until).temperature.to_bits(), cooling.cold.to_bits());
        }
    }
}
