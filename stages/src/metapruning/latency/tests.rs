use super::super::net::Family;
use super::*;

fn net() -> Net {
    let mut net = Net::new(Family::Flat, 1, [3, 8, 8], 10);
    net.blocks.truncate(2);
    net
}

/// Two widths a wire: the stem reads three channels only, the depthwise convolution has as many as it reads.
const TEXT: &str = "conv,inputs,outputs,ms
stem,3,8,1.0
stem,3,16,2.0
block1.depthwise,8,8,0.5
block1.depthwise,16,16,1.5
block1.pointwise,8,8,1
block1.pointwise,8,16,2
block1.pointwise,16,8,3
block1.pointwise,16,16,5
classifier,8,10,0.25
classifier,16,10,0.75
";

#[test]
fn times_are_linear_between_those_measured() {
    let (net, table) = (net(), Table::parse(TEXT, &net()).unwrap());
    let check = |stem: usize, block: usize, expected: f64| {
        let widths = [3, stem, block];
        let found = table.of(&net, &widths);
        assert!((found - expected).abs() < 1e-9, "{stem} and {block}: {found}");
    };
    check(8, 8, 1.0 + 0.5 + 1.0 + 0.25);
    check(16, 8, 2.0 + 1.5 + 3.0 + 0.25);
    // Halfway both ways: the mean of the four.
    check(12, 12, 1.5 + 1.0 + (1.0 + 2.0 + 3.0 + 5.0) / 4.0 + 0.5);
    check(4, 100, 1.0 + 0.5 + 2.0 + 0.75);
}

#[test]
fn broken_tables_are_told() {
    let check = |from: &str, to: &str, line: usize, expected: &str| {
        assert_eq!(Table::parse(&TEXT.replacen(from, to, 1), &net()), Err((line, expected.to_owned())));
    };
    check("conv,", "name,", 1, "expected the columns `conv,inputs,outputs,ms`");
    check("3,16,2.0", "3,16,fast", 3, "expected a name, two widths and a time, found `stem,3,16,fast`");
    check("3,16,2.0", "3,8,2.0", 3, "expected one time for `stem` at (3, 8), found another");
    check("stem,3,8,1.0\nstem,3,16,2.0\n", "", 0, "expected times of `stem`, found none");
    check(
        "classifier,8,10,0.25\nclassifier,16,10,0.75\n",
        "",
        0,
        "expected times of `classifier`, found none",
    );
    check(
        "8,16,2\n",
        "8,24,2\n",
        0,
        "expected a time of `block1.pointwise` for every pair of its widths, found 4",
    );
}
