use super::*;

fn question(text: &str) -> Question {
    Question { text: text.into(), answer: "red".into(), path: vec![0, 3], ..Question::default() }
}

/// Both layers of a question share one scale: the brightest cell is bare, others are dark by their share of it.
#[test]
fn layers_share_a_scale() {
    let scenes = Scenes::Regions { grid: [2, 2], width: 1, numbers: vec![0.0; 4] };
    let question = question("is it a < b");
    let layers: Vec<&[f32]> = vec![&[0.25, 0.25, 0.25, 0.25], &[0.0, 0.0, 0.0, 1.0]];
    let shown = [Shown { question: &question, given: "blue", layers }];
    let svg = picture(&shown, &scenes, [2, 2], Some([2, 2])).unwrap();
    let dark: Vec<f64> = svg
        .lines()
        .filter_map(|line| line.split("fill-opacity=\"").nth(1)?.split('"').next()?.parse().ok())
        .collect();
    assert_eq!(dark, [0.69, 0.69, 0.69, 0.69, 0.92, 0.92, 0.92, 0.0]);
    assert!(svg.contains("is it a &lt; b?") && svg.contains("✗ blue (true: red)"));
    assert!(
        svg.contains("layer 1: entropy 1.39, largest 0.25")
            && svg.contains("layer 2: entropy 0.00, largest 1.00")
    );
    assert_eq!(svg.matches("stroke-dasharray").count(), 2, "a frame a layer around the cell that is named");
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
}

#[test]
fn pixels_stand_behind() {
    let scenes = Scenes::Pixels { size: [3, 2, 4], bytes: (0..24).collect() };
    let question = question("what is it");
    let shown = [Shown { question: &question, given: "red", layers: vec![&[0.5, 0.5]] }];
    let svg = picture(&shown, &scenes, [1, 2], None).unwrap();
    let file = svg.split("base64,").nth(1).unwrap().split('"').next().unwrap();
    let image = image::load_from_memory(&STANDARD.decode(file).unwrap()).unwrap().into_rgb8();
    assert_eq!((image.dimensions(), image.get_pixel(1, 1).0), ((4, 2), [5, 13, 21]));
    assert!(svg.contains("✓ red") && !svg.contains("stroke-dasharray"));
}
