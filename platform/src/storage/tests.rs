//! Configurations are saved, backed up, found broken and replaced, in a folder of their own.

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("diarch-store-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn store(&self) -> Store {
        Store::new(&self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn cib(epoch: u32) -> Durable {
    let text = format!("<cib epoch=\"{epoch}\"><configuration/></cib>\n");
    Durable::Cib { text, version: format!("0.{epoch}.0") }
}

fn loaded(store: &Store) -> (String, usize) {
    let loaded = store.load().unwrap();
    (loaded.text.unwrap_or_default(), loaded.warnings.len())
}

#[test]
fn what_was_saved_last_is_loaded() {
    let folder = Folder::new("last");
    let store = folder.store();
    assert_eq!(loaded(&store), (String::new(), 0));
    for epoch in 0..3 {
        store.save(&cib(epoch)).unwrap();
    }
    assert!(loaded(&store).0.contains("epoch=\"2\""));
    let names = |name: &str| folder.0.join("cib").join(name).exists();
    assert!(names("cib-0.raw") && names("cib-1.raw.sig") && !names("cib.xml.new"));
    assert_eq!(fs::read_to_string(folder.0.join("cib/cib.last")).unwrap(), "2");
}

#[test]
fn a_changed_or_torn_file_gives_way_to_the_last_backup_and_is_kept() {
    for damage in ["<cib epoch=\"9\"><configuration/></cib>\n", "<cib epo"] {
        let folder = Folder::new("torn");
        let store = folder.store();
        store.save(&cib(1)).unwrap();
        store.save(&cib(2)).unwrap();
        fs::write(folder.0.join("cib/cib.xml"), damage).unwrap();
        let (text, warnings) = loaded(&store);
        assert!(text.contains("epoch=\"1\""), "{text}");
        assert_eq!(warnings, 2);
        assert_eq!(fs::read_to_string(folder.0.join("cib/cib.auto.0")).unwrap(), damage);
    }
}

#[test]
fn a_file_without_digest_was_put_there_by_hand() {
    let folder = Folder::new("hand");
    fs::create_dir_all(folder.0.join("cib")).unwrap();
    fs::write(folder.0.join("cib/cib.xml"), "<cib/>").unwrap();
    assert_eq!(loaded(&folder.store()), ("<cib/>".to_owned(), 0));
}

#[test]
fn what_is_no_document_is_not_saved() {
    let folder = Folder::new("bad");
    let store = folder.store();
    store.save(&cib(1)).unwrap();
    let bad = Durable::Cib { text: "<cib".to_owned(), version: String::new() };
    assert!(store.save(&bad).unwrap_err().contains("cib.xml"));
    assert!(loaded(&store).0.contains("epoch=\"1\""));
}

#[test]
fn the_owner_is_found_by_name() {
    let passwd = "root:x:0:0::/root:/bin/sh\nhacluster:x:90:91::/:/bin/false\n";
    assert_eq!(owner_in(passwd), Some((90, 91)));
    assert_eq!(owner_in("hacluster:x:a:b"), None);
}
