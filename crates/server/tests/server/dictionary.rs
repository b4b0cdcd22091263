//! `docs/DATA.md` names every column and every outcome, and no other.

use std::collections::BTreeSet;

use stillhere_core::session::Outcome;

use crate::support::TestServer;

const DATA: &str = include_str!("../../../../docs/DATA.md");

/// The first cell of each row of the first table below a heading.
fn documented(heading: &str) -> BTreeSet<&'static str> {
    DATA.lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect()
}

#[tokio::test]
async fn every_column_is_in_the_data_dictionary_and_no_other() {
    let server = TestServer::start().await;
    let mut stored = BTreeSet::new();
    for table in ["games", "seats", "exports", "uploads", "export_chunks"] {
        let sql = format!("SELECT name FROM pragma_table_info('{table}')");
        for column in server.database.rows(&sql).await {
            stored.insert(format!("{table}.{}", column["name"].as_str().unwrap()));
        }
    }
    let documented: BTreeSet<String> = documented("## Tables")
        .into_iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(documented, stored);
}

#[test]
fn every_outcome_is_in_the_data_dictionary_and_no_other() {
    assert_eq!(
        documented("### Outcomes"),
        Outcome::NAMES.iter().copied().collect()
    );
}
