//! A whole page, and what stands on it.

use editscale_page::{
    Column, Document, Picture, Table, compare, count, document, fact, facts, folded, note, number, section,
    side_by_side,
};
use maud::{Render, html};

fn page(content: maud::Markup) -> String {
    document(&Document { title: "A <title>".to_owned(), lead: "And \"more\"".to_owned(), sections: vec![content] })
}

#[test]
fn a_page_loads_nothing_and_escapes_everything() {
    let text = page(section("it", "It & more", note("<b>")));
    assert!(text.starts_with("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"), "{text}");
    assert!(text.contains("<h1>A &lt;title&gt;</h1>") && text.contains("<h2 id=\"it\">It &amp; more</h2>"), "{text}");
    assert!(text.contains("<p class=\"remark\">&lt;b&gt;</p>"), "{text}");
    for elsewhere in ["http://", "https://", "src=\"/", "@import", "url("] {
        assert!(!text.contains(elsewhere), "{elsewhere}");
    }
}

#[test]
fn a_table_names_its_rows_and_columns() {
    let mut table = Table::new("Scores by `nano`", vec![Column::text("Judge"), Column::number("Pairs")]);
    table.push(["<a>".to_owned(), count(12_345)]);
    let text = table.render().into_string().replace('\u{202f}', " ").replace('\n', "");
    insta::assert_snapshot!(text, @r#"<p class="caption">Scores by <code>nano</code></p><div class="scroll" tabindex="0" role="region" aria-label="Scores by nano"><table><thead><tr><th scope="col">Judge</th><th class="n" scope="col">Pairs</th></tr></thead><tbody><tr><th scope="row">&lt;a&gt;</th><td class="n">12 345</td></tr></tbody></table></div>"#);
}

#[test]
fn facts_are_a_list_of_terms() {
    let text = facts(&[fact("Rows", count(7)), fact("Data set", "a/very/long/path/to/a/data/set.jsonl")]).into_string();
    insta::assert_snapshot!(text, @r#"<dl class="ledger"><div><dt>Rows</dt><dd>7</dd></div><div class="wide"><dt>Data set</dt><dd>a/very/long/path/to/a/data/set.jsonl</dd></div></dl>"#);
    assert_eq!(
        folded("More", html! { p { (number(0.5)) } }).into_string(),
        "<details><summary>More</summary><p>0.5000</p></details>"
    );
}

#[test]
fn only_pictures_of_one_size_lie_under_a_slider() {
    let picture = |width| Picture {
        url: "data:image/png;base64,AA==".to_owned(),
        width,
        height: 20,
        alt: "A \"cat\"".to_owned(),
    };
    let under = compare((&picture(30), "Source"), (&picture(31), "Edited")).into_string();
    assert!(under.contains("<input type=\"range\"") && under.contains("aspect-ratio:30/20"), "{under}");
    let beside = compare((&picture(30), "Source"), (&picture(40), "Edited")).into_string();
    assert_eq!(beside, side_by_side((&picture(30), "Source"), (&picture(40), "Edited")).into_string());
    assert!(
        beside.contains("alt=\"A &quot;cat&quot;\"") && beside.contains("<figcaption>Edited</figcaption>"),
        "{beside}"
    );
}
