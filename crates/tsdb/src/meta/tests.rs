use super::*;

const FULL: &str = include_str!("testdata/full.json");

#[test]
fn what_go_wrote_is_written_the_same() {
    let meta = BlockMeta::from_json(FULL.as_bytes()).unwrap();
    assert_eq!(meta.thanos.labels["cluster"], "eu<1>");
    assert_eq!(meta.thanos.files[0].size_bytes, 1234);
    assert_eq!(meta.thanos.source, Source::COMPACTOR);
    assert_eq!(meta.compaction.parents.len(), 1);
    assert_eq!(String::from_utf8(meta.to_json().unwrap()).unwrap(), FULL);
}

#[test]
fn missing_and_null_are_empty() {
    let meta =
        BlockMeta::from_json(br#"{"version":1,"thanos":{"labels":null,"extensions":null},"stats":null} x"#)
            .unwrap();
    assert_eq!(meta, BlockMeta::new(Ulid::nil(), 0, 0));
    assert_eq!(meta.thanos.upload_time, UploadTime(None));
}

#[test]
fn unknown_versions_are_refused() {
    let error = |json: &str| BlockMeta::from_json(json.as_bytes()).unwrap_err().to_string();
    assert_eq!(error("{}"), "unexpected meta file version 0");
    assert_eq!(error(r#"{"version":2}"#), "unexpected meta file version 2");
    assert_eq!(
        error(r#"{"version":1,"thanos":{"version":3}}"#),
        "unexpected meta file Thanos section version 3"
    );
    for json in ["", "{", "[]", r#"{"ulid":"x"}"#, r#"{"minTime":"a"}"#] {
        assert!(matches!(BlockMeta::from_json(json.as_bytes()), Err(Error::Json(_))), "{json}");
    }
}

#[test]
fn prometheus_form_has_no_section_and_no_line_end() {
    let json = BlockMeta::new(Ulid::nil(), 1, 2).to_prometheus_json().unwrap();
    let want = "{\n\t\"ulid\": \"00000000000000000000000000\",\n\t\"minTime\": 1,\n\t\"maxTime\": 2,\n\t\"stats\": {},\n\t\"compaction\": {\n\t\t\"level\": 0\n\t},\n\t\"version\": 1\n}";
    assert_eq!(String::from_utf8(json).unwrap(), want);
}

#[test]
fn file_is_replaced_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut meta = BlockMeta::from_json(FULL.as_bytes()).unwrap();
    meta.write_dir(dir.path()).unwrap();
    meta.min_time = 7;
    meta.write_dir(dir.path()).unwrap();
    assert_eq!(BlockMeta::read_dir(dir.path()).unwrap(), meta);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    assert!(BlockMeta::read_dir(dir.path().join("none")).unwrap_err().is_not_found());
}
