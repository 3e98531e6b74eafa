//! The picture itself: a whole SVG document that needs nothing beside it, readable on light and on
//! dark ground.

use std::fmt::Write as _;

use largestack_engine::graph::{END, Graph, GraphRun, Node, NodeState, NodeView, When, Work};

use super::layers::{LOOP, Laid, Link, Point, Size, lay_out};
use super::letters::{cut, escaped, width};

/// Around everything.
const MARGIN: f64 = 24.0;
/// Inside a node, on each side.
const INSIDE: f64 = 14.0;
/// A node's height: two lines.
const TALL: f64 = 46.0;
/// Where a branch ends.
const END_SIZE: Size = Size { width: 16.0, height: 16.0 };
/// Letters of a name that are shown; all of them stand in its title.
const NAME: usize = 30;
/// Letters of the words on an edge.
const WORDS: usize = 24;

/// The workflow as an SVG document; of a run, each node with where it stands.
pub fn svg(graph: &Graph, run: Option<&GraphRun>) -> String {
    let views: Vec<NodeView> = run.map_or_else(Vec::new, |run| run.nodes().collect());
    let boxes: Vec<Drawn<'_>> =
        graph.nodes.iter().enumerate().map(|(at, node)| Drawn::of(node, views.get(at))).collect();
    let (links, ends) = links(graph);
    let mut sizes: Vec<Size> = boxes.iter().map(|drawn| drawn.size).collect();
    sizes.extend(std::iter::repeat_n(END_SIZE, ends));
    let laid = lay_out(&sizes, &links);
    let (wide, high) = (laid.size.width + 2.0 * MARGIN, laid.size.height + 2.0 * MARGIN);
    let name = escaped(&graph.name);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide:.0}\" height=\"{high:.0}\" \
         viewBox=\"0 0 {wide:.0} {high:.0}\" role=\"img\" aria-label=\"workflow {name}\" \
         class=\"flow\">\n<title>{name}</title>\n<style>{STYLE}</style>\n<defs>{ARROW}</defs>\n\
         <rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n\
         <g transform=\"translate({MARGIN} {MARGIN})\">\n"
    );
    edges(graph, (&links, &sizes), &laid, &mut text);
    for (drawn, at) in boxes.iter().zip(&laid.nodes) {
        drawn.draw(*at, &mut text);
    }
    for at in laid.nodes.iter().skip(boxes.len()) {
        put(
            &mut text,
            format_args!("<circle class=\"end\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"6\"/>", at.x, at.y),
        );
    }
    text.push_str("</g>\n</svg>\n");
    text
}

/// Writes a line. Writing to a string cannot fail.
fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{line}");
}

/// A node's box, its two lines and its class.
struct Drawn<'g> {
    node: &'g Node,
    size: Size,
    name: String,
    about: String,
    state: Option<NodeState>,
}

impl<'g> Drawn<'g> {
    fn of(node: &'g Node, view: Option<&NodeView>) -> Self {
        let name = cut(&node.name, NAME);
        let mut about = node.work.name().to_owned();
        if node.map.is_some() {
            about.push_str(" for each");
        }
        if let Some(view) = view {
            about = format!("{about} · {}", view.state.name().replace('_', " "));
            if node.map.is_some() && view.tasks.0 > 0 {
                let _ = write!(about, " {}/{}", view.tasks.1, view.tasks.0);
            }
            if view.visits > 1 {
                let _ = write!(about, " ×{}", view.visits);
            }
        }
        let wide = width(&name, 13.5, true).max(width(&about, 11.5, false)) + 2.0 * INSIDE;
        let slant = if slanted(&node.work) { 16.0 } else { 0.0 };
        let size = Size { width: wide.max(72.0) + slant, height: TALL };
        Self { node, size, name, about, state: view.map(|view| view.state) }
    }

    fn draw(&self, at: Point, text: &mut String) {
        let Size { width, height } = self.size;
        let (x, y) = (at.x - width / 2.0, at.y - height / 2.0);
        let state = self.state.map_or("plain", NodeState::name);
        put(text, format_args!("<g class=\"node {state}\">"));
        put(
            text,
            format_args!("<title>{}: {}</title>", escaped(&self.node.name), escaped(&self.about)),
        );
        if slanted(&self.node.work) {
            // Somebody or something decides there: a box with points at its sides.
            let (left, right) = (x + 10.0, x + width - 10.0);
            put(
                text,
                format_args!(
                    "<path class=\"box\" d=\"M{left:.1} {y:.1}H{right:.1}L{:.1} {:.1}L{right:.1} {:.1}H{left:.1}L{x:.1} {:.1}Z\"/>",
                    x + width,
                    at.y,
                    y + height,
                    at.y
                ),
            );
        } else {
            let round = match self.node.work {
                Work::Agent { .. } => 12.0,
                Work::Event { .. } | Work::Sleep { .. } => TALL / 2.0,
                _ => 4.0,
            };
            put(
                text,
                format_args!(
                    "<rect class=\"box\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round}\"/>"
                ),
            );
            if matches!(self.node.work, Work::Graph { .. }) {
                put(
                    text,
                    format_args!(
                        "<rect class=\"inner\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"3\"/>",
                        x + 3.0,
                        y + 3.0,
                        width - 6.0,
                        height - 6.0
                    ),
                );
            }
        }
        put(
            text,
            format_args!(
                "<text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                at.x,
                at.y - 4.0,
                escaped(&self.name)
            ),
        );
        put(
            text,
            format_args!(
                "<text class=\"about\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                at.x,
                at.y + 13.0,
                escaped(&self.about)
            ),
        );
        text.push_str("</g>\n");
    }
}

const fn slanted(work: &Work) -> bool {
    matches!(work, Work::Question { .. } | Work::Switch { .. })
}

/// The edges as links between places, and how many of them lead to an end of their own.
fn links(graph: &Graph) -> (Vec<Link>, usize) {
    let at = |name: &str| graph.nodes.iter().position(|node| &*node.name == name);
    let mut ends = 0;
    let links = graph.edges.iter().filter_map(|edge| {
        let from = at(&edge.from)?;
        let to = if let Some(to) = at(&edge.to) {
            to
        } else if &*edge.to == END {
            ends += 1;
            graph.nodes.len() + ends - 1
        } else {
            return None;
        };
        let label = words(&edge.when)
            .map(|words| Size { width: width(&words, 11.5, false) + 10.0, height: 18.0 });
        Some(Link { from, to, label })
    });
    (links.collect(), ends)
}

/// What stands on an edge.
fn words(when: &When) -> Option<String> {
    match when {
        When::Always => None,
        When::Choice(choice) => Some(cut(choice, WORDS)),
        When::Failed => Some("on failure".to_owned()),
    }
}

fn edges(graph: &Graph, (links, sizes): (&[Link], &[Size]), laid: &Laid, text: &mut String) {
    let known = |name: &str| name == END || graph.find(name).is_some();
    let drawn =
        graph.edges.iter().filter(|edge| graph.find(&edge.from).is_some() && known(&edge.to));
    let all = drawn.zip(links).zip(laid.ways.iter().zip(&laid.labels));
    for ((edge, link), (way, label)) in all {
        let class = if edge.when == When::Failed { "edge failure" } else { "edge" };
        let path = if way.is_empty() { round(link, sizes, laid) } else { curve(way) };
        put(
            text,
            format_args!("<path class=\"{class}\" d=\"{path}\" marker-end=\"url(#arrow)\"/>"),
        );
        if let (Some(at), Some(size), Some(words)) = (label, link.label, words(&edge.when)) {
            let (x, y) = (at.x - size.width / 2.0, at.y - size.height / 2.0);
            put(
                text,
                format_args!(
                    "<g class=\"word\"><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"4\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
                    size.width,
                    size.height,
                    at.x,
                    at.y + 4.0,
                    escaped(&words)
                ),
            );
        }
    }
}

/// A line that is straight in its layers and bends between them.
fn curve(way: &[Point]) -> String {
    let mut path = String::new();
    let mut before: Option<Point> = None;
    for (at, point) in way.iter().enumerate() {
        let Point { x, y } = *point;
        // Writing to a string cannot fail.
        let _ = match before {
            None => write!(path, "M{x:.1} {y:.1}"),
            // A line without length would turn the arrow at its end.
            Some(last) if (last.y - y).abs() < 0.05 && (last.x - x).abs() < 0.05 => Ok(()),
            Some(_) if at % 2 == 1 => write!(path, "L{x:.1} {y:.1}"),
            Some(last) => {
                let middle = f64::midpoint(last.y, y);
                write!(path, "C{:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}", last.x)
            }
        };
        before = Some(*point);
    }
    path
}

/// A line that leaves a node at its side and comes back to it there.
fn round(link: &Link, sizes: &[Size], laid: &Laid) -> String {
    let at = laid.nodes.get(link.from).copied().unwrap_or_default();
    let right = at.x + sizes.get(link.from).copied().unwrap_or_default().width / 2.0;
    let (high, low, out) = (at.y - 10.0, at.y + 10.0, right + LOOP);
    format!("M{right:.1} {high:.1}C{out:.1} {high:.1} {out:.1} {low:.1} {right:.1} {low:.1}")
}

const ARROW: &str = "<marker id=\"arrow\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" \
    markerWidth=\"7\" markerHeight=\"7\" orient=\"auto-start-reverse\">\
    <path class=\"head\" d=\"M0 0L10 5L0 10Z\"/></marker>";

/// Colours by class, for light and for dark ground.
const STYLE: &str = "
.flow{font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color-scheme:light dark;\
--ground:#ffffff;--ink:#1b1f24;--soft:#5b6570;--line:#8a949e;--box:#f6f8fa;--rim:#b8c0c8;\
--go:#0b61c4;--goes:#e3efff;--ok:#1f7a3a;--oks:#e2f5e6;--wait:#8a5a00;--waits:#fff2d2;\
--bad:#b3261e;--bads:#fde5e3;--off:#6b7680;--offs:#eceff1;--back:#7a3e9d;--backs:#f3e6fa}
@media (prefers-color-scheme:dark){.flow{--ground:#0d1117;--ink:#e8edf2;--soft:#a3adb8;--line:#6e7986;\
--box:#1b222b;--rim:#47525e;--go:#6cb2ff;--goes:#10294a;--ok:#5fd07f;--oks:#11321d;--wait:#f0bd57;\
--waits:#3a2b07;--bad:#ff8d84;--bads:#431512;--off:#93a0ac;--offs:#20272e;--back:#d3a0f0;--backs:#331a42}}
.ground{fill:var(--ground)}
.box{fill:var(--box);stroke:var(--rim);stroke-width:1.4}
.inner{fill:none;stroke:var(--rim)}
.name{font-size:13.5px;font-weight:600;fill:var(--ink);text-anchor:middle}
.about{font-size:11.5px;fill:var(--soft);text-anchor:middle}
.edge{fill:none;stroke:var(--line);stroke-width:1.4}
.failure{stroke:var(--bad);stroke-dasharray:5 4}
.head{fill:var(--line)}
.end{fill:var(--ground);stroke:var(--line);stroke-width:3}
.word rect{fill:var(--ground)}
.word text{font-size:11.5px;fill:var(--soft);text-anchor:middle}
.idle .name{fill:var(--soft)}
.ready .box,.running .box{fill:var(--goes);stroke:var(--go)}
.running .box{stroke-width:2.4}
.completed .box{fill:var(--oks);stroke:var(--ok)}
.waiting .box,.sleeping .box,.in_doubt .box{fill:var(--waits);stroke:var(--wait)}
.in_doubt .box{stroke-dasharray:5 3}
.failed .box{fill:var(--bads);stroke:var(--bad)}
.skipped .box,.cancelled .box{fill:var(--offs);stroke:var(--off);stroke-dasharray:5 3}
.undone .box{fill:var(--backs);stroke:var(--back)}
";

#[cfg(test)]
mod tests {
    use largestack_engine::graph::Edge;

    use super::*;

    fn graph(name: &str) -> Graph {
        Graph::new("g")
            .node(Node::new(name, Work::function("f")).choosing(["<b>&\"'", "again"]))
            .node(Node::new("wait", Work::Event { event: "paid".into() }))
            .edge(Edge::new(name, "wait").on("<b>&\"'"))
            .edge(Edge::new(name, name).on("again"))
            .edge(Edge::new("wait", "end"))
    }

    #[test]
    fn words_of_the_author_are_text_and_nothing_else() {
        let drawn = svg(&graph("a</text><script>"), None);
        assert!(!drawn.contains("<script") && !drawn.contains("<b>"), "{drawn}");
        assert!(drawn.contains("a&lt;/text&gt;&lt;script&gt;"), "{drawn}");
        assert!(drawn.contains("&lt;b&gt;&amp;&quot;&#39;"), "{drawn}");
    }

    #[test]
    fn a_picture_has_a_box_for_each_node_a_line_for_each_edge_and_a_point_for_each_end() {
        let drawn = svg(&graph("ask"), None);
        assert_eq!(drawn.matches("class=\"box\"").count(), 2, "{drawn}");
        assert_eq!(drawn.matches("class=\"edge\"").count(), 3);
        assert_eq!(drawn.matches("class=\"end\"").count(), 1);
        assert_eq!(drawn.matches("class=\"word\"").count(), 2);
        assert!(drawn.contains("prefers-color-scheme:dark"));
    }

    #[test]
    fn a_long_name_is_cut_where_it_is_shown_and_whole_in_its_title() {
        let name = "n".repeat(80);
        let drawn = svg(&graph(&name), None);
        assert!(drawn.contains(&format!("<title>{name}: ")) && drawn.contains("nnn…</text>"));
    }
}
