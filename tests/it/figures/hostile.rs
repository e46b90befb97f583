//! Names that nobody would choose.

use isotherm_report::draw::{Style, png_at, svg};
use isotherm_report::figure::{FIGURES, NoFigure, build, csv};

use super::Folder;

#[test]
fn no_name_breaks_a_picture() {
    let names = [
        "</script><script>alert(1)</script>",
        "\"quoted\" & 'quoted'",
        "\u{202e}מסלול أحمر",
        "👩‍👩‍👧 🔥 router",
        &"long ".repeat(2_000),
    ];
    let routers: Vec<String> =
        names.iter().map(|name| format!("{{ name = {}, kind = \"ttt\", lambda = 0.5 }}", toml_text(name))).collect();
    let set = format!("router=[{{ kind = \"baseline\" }}, {}]", routers.join(", "));
    let folder =
        Folder::of("drift.toml", &["seeds=1", "arrivals.batches=10", "change=[{at_batch=5, hot=[0,1]}]", &set]);
    let results = folder.results();
    let mut drawn = 0;
    for listed in FIGURES {
        let figure = match build(listed.name, &results) {
            Ok(figure) => figure,
            Err(NoFigure::DoesNotApply { .. }) => continue,
            Err(error) => panic!("{error}"),
        };
        let picture = svg(&figure, &Style::default());
        assert!(!picture.contains("<script") && !picture.contains('\u{202e}'), "{}", listed.name);
        assert!(picture.len() < 400_000, "{} has {} bytes", listed.name, picture.len());
        let longest = picture.lines().filter(|line| line.starts_with("<text")).map(str::len).max().unwrap_or(0);
        assert!(longest < 1_000, "{}: a text of {longest} bytes", listed.name);
        // Whoever paints it reads it as XML first.
        png_at(&figure, &Style::default(), 0.5).unwrap();
        let mut table = Vec::new();
        csv(&figure, &mut table).unwrap();
        let rows: Vec<csv_reader::StringRecord> =
            csv_reader::Reader::from_reader(table.as_slice()).records().map(Result::unwrap).collect();
        assert!(!rows.is_empty());
        drawn += 1;
    }
    assert!(drawn >= 9, "{drawn} figures were drawn");
}

use ::csv as csv_reader;

/// A text as TOML has it.
fn toml_text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
