use proptest::prelude::*;

use super::*;

fn links(pairs: &[(usize, usize)]) -> Vec<Link> {
    let label = Some(Size { width: 40.0, height: 18.0 });
    let link = |(at, (from, to)): (usize, &(usize, usize))| Link {
        from: *from,
        to: *to,
        label: label.filter(|_| at % 2 == 0),
    };
    pairs.iter().enumerate().map(link).collect()
}

fn boxes(count: usize) -> Vec<Size> {
    let widths = [80.0, 90.0, 100.0, 110.0, 120.0];
    widths.into_iter().cycle().take(count).map(|width| Size { width, height: 44.0 }).collect()
}

fn overlap(one: (Point, Size), other: (Point, Size)) -> bool {
    let apart = |a: f64, b: f64, sizes: f64| (a - b).abs() + 0.01 >= sizes / 2.0;
    !apart(one.0.x, other.0.x, one.1.width + other.1.width)
        && !apart(one.0.y, other.0.y, one.1.height + other.1.height)
}

#[test]
fn what_follows_stands_below_and_a_loop_leads_up() {
    let laid = lay_out(&boxes(3), &links(&[(0, 1), (1, 2), (2, 1)]));
    assert!(laid.nodes[0].y < laid.nodes[1].y && laid.nodes[1].y < laid.nodes[2].y);
    let back = &laid.ways[2];
    assert!(back.first().unwrap().y > back.last().unwrap().y, "{back:?}");
}

#[test]
fn a_wide_fan_is_set_in_rows() {
    let pairs: Vec<(usize, usize)> =
        (1..=60).map(|to| (0, to)).chain((1..=60).map(|from| (from, 61))).collect();
    let laid = lay_out(&boxes(62), &links(&pairs));
    assert!(laid.size.width < 3_500.0, "{:?}", laid.size);
    assert!(laid.nodes[61].y > laid.nodes[60].y);
}

proptest! {
    #[test]
    fn no_text_meets_another_and_no_line_runs_through_a_node(
        count in 1_usize..24,
        pairs in proptest::collection::vec((0_usize..24, 0_usize..24), 0..40),
    ) {
        let pairs: Vec<_> = pairs.into_iter().filter(|(a, b)| *a < count && *b < count).collect();
        let mut pairs = pairs;
        pairs.sort_unstable();
        pairs.dedup();
        let (nodes, links) = (boxes(count), links(&pairs));
        let laid = lay_out(&nodes, &links);
        let labels = links.iter().zip(&laid.labels).filter_map(|(l, at)| Some(((*at)?, l.label?)));
        let all: Vec<(Point, Size)> =
            laid.nodes.iter().copied().zip(nodes.iter().copied()).chain(labels).collect();
        for (at, one) in all.iter().enumerate() {
            prop_assert!(one.0.x - one.1.width / 2.0 >= -0.01 && one.0.y - one.1.height / 2.0 >= -0.01);
            prop_assert!(one.0.x + one.1.width / 2.0 <= laid.size.width + 0.01);
            prop_assert!(one.0.y + one.1.height / 2.0 <= laid.size.height + 0.01);
            for other in all.iter().skip(at + 1) {
                prop_assert!(!overlap(*one, *other), "{one:?} {other:?}");
            }
        }
        for (way, link) in laid.ways.iter().zip(&links) {
            prop_assert_eq!(way.is_empty(), link.from == link.to);
            for pair in way.chunks(2) {
                prop_assert!((pair[0].x - pair[1].x).abs() < 0.01, "{:?}", pair);
            }
            // Where a line is straight it passes a layer: no node stands there.
            for pair in way.chunks(2) {
                let between = Point { x: pair[0].x, y: f64::midpoint(pair[0].y, pair[1].y) };
                for (node, (at, size)) in laid.nodes.iter().zip(&nodes).enumerate() {
                    let thin = Size { width: 0.0, height: 0.0 };
                    let own = node == link.from || node == link.to;
                    prop_assert!(own || !overlap((between, thin), (*at, *size)));
                }
            }
        }
    }
}
