//! Tables whose changes were kept leave a backup when they are deleted.

use super::*;
use crate::backup::Backup;
use crate::schema::{History, Table};

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Bench {
    /// A table whose changes are kept.
    async fn create_kept(&self, name: &str) -> TableKey {
        let table = self.create(name).await;
        self.set_kept(&table, true).await;
        table
    }

    async fn set_kept(&self, table: &TableKey, is_on: bool) {
        let change = move |tx: &mut Tx<'_>, _: &TableKey, table: &mut Table| {
            let place = registry::next_number(tx)?;
            table.history = is_on.then(|| History { place, since: tx.now(), days: 35 });
            Ok(())
        };
        self.tables.alter(table.clone(), change).await.unwrap();
    }

    fn backups(&self) -> Vec<(BackupKey, Backup)> {
        let of = key("any");
        self.tables.backups(&of.account, &of.region).unwrap()
    }

    async fn restore(&self, backup: &BackupKey, name: &str) -> TableKey {
        self.tables.restore_backup(backup, key(name), Overrides::default()).await.unwrap();
        self.turn().await;
        key(name)
    }

    /// Items, whosever they are.
    fn items(&self) -> usize {
        self.store.read(|snapshot| snapshot.scan_prefix(keys::ITEM, &[], usize::MAX)).unwrap().len()
    }
}

#[tokio::test]
async fn a_deleted_table_is_kept_as_it_was_then() {
    let bench = Bench::new();
    let table = bench.create_kept("gone").await;
    bench
        .tables
        .write_all((0..500).map(|number| put(&table, item(&number.to_string(), None))).collect())
        .await
        .unwrap();
    let id = bench.tables.delete(table.clone()).await.unwrap().id.clone();
    assert!(bench.backups().is_empty(), "its file is not written yet");
    // Whoever has the name now has nothing to do with it.
    bench.create("gone").await;
    bench.put(&table, item("another", None)).await;
    bench.turn().await;
    let (key, backup) = bench.backups().remove(0);
    assert_eq!(key.id, format!("{NOW:014}-00000000"));
    assert_eq!(
        (backup.name.as_str(), backup.kind(), backup.table.id == id),
        ("gone$DeletedTableBackup", "SYSTEM", true)
    );
    assert_eq!((backup.created, backup.expires), (Timestamp(NOW), Some(Timestamp(NOW).plus(35 * DAY))));
    assert_eq!((backup.items, bench.items(), bench.files()), (500, 1, 1));
    let restored = bench.restore(&key, "again").await;
    assert!(bench.get(&restored, "499").is_some() && bench.get(&restored, "another").is_none());
    assert_eq!((bench.items(), bench.files()), (501, 1));
}

#[tokio::test]
async fn a_table_whose_changes_were_not_kept_leaves_nothing() {
    let bench = Bench::new();
    let table = bench.create_kept("gone").await;
    bench.put(&table, item("a", None)).await;
    bench.set_kept(&table, false).await;
    bench.tables.delete(table).await.unwrap();
    bench.turn().await;
    assert_eq!((bench.backups().len(), bench.items(), bench.files()), (0, 0, 0));
}

#[tokio::test]
async fn nobody_can_delete_a_system_backup() {
    let bench = Bench::new();
    let table = bench.create_kept("gone").await;
    bench.tables.delete(table).await.unwrap();
    bench.turn().await;
    let (key, _) = bench.backups().remove(0);
    let why = format!(
        "Invalid Request: User is not allowed to delete the system backup with arn {}. It will automatically expire on 2026-06-08T10:20:30.000Z",
        key.arn()
    );
    assert_eq!(bench.tables.delete_backup(&key).await, Err(Error::Validation(why)));
    assert_eq!((bench.backups().len(), bench.files()), (1, 1));
}

#[tokio::test]
async fn a_system_backup_goes_after_35_days_and_no_other_does() {
    let bench = Bench::new();
    let table = bench.create_kept("gone").await;
    bench.put(&table, item("a", None)).await;
    bench.back_up(&table).await;
    bench.tables.delete(table).await.unwrap();
    bench.turn().await;
    bench.clock.advance(35 * DAY - Duration::from_millis(1));
    bench.turn().await;
    assert_eq!((bench.backups().len(), bench.files()), (2, 2));
    let (system, _) = bench.backups().into_iter().find(|(_, backup)| backup.kind() == "SYSTEM").unwrap();
    bench.tables.restore_backup(&system, key("late"), Overrides::default()).await.unwrap();
    bench.clock.advance(Duration::from_millis(1));
    crate::deleted::expire(&bench.store, bench.clock.now()).await.unwrap();
    assert_eq!((bench.backups().len(), bench.files()), (1, 2), "a table is still filled from it");
    bench.turn().await;
    assert!(bench.get(&key("late"), "a").is_some());
    assert_eq!(bench.files(), 1);
    let (left, of_user) = bench.backups().remove(0);
    assert_eq!(of_user.kind(), "USER");
    assert!(bench.get(&bench.restore(&left, "later").await, "a").is_some());
}

#[tokio::test]
async fn tables_that_are_deleted_in_the_same_moment_have_backups_of_their_own() {
    let bench = Bench::new();
    for (name, content) in [("one", "a"), ("two", "b"), ("one", "c")] {
        let table = bench.create_kept(name).await;
        bench.put(&table, item(content, None)).await;
        bench.tables.delete(table).await.unwrap();
    }
    bench.turn().await;
    let backups = bench.backups();
    assert_eq!((backups.len(), bench.files()), (3, 3));
    for (number, ((of, _), content)) in backups.iter().zip(["a", "c", "b"]).enumerate() {
        let restored = bench.restore(of, &format!("restored{number}")).await;
        assert!(bench.get(&restored, content).is_some());
    }
}

#[tokio::test]
async fn what_a_crash_leaves_of_a_system_backup_is_made_whole() {
    let bench = Bench::new();
    let table = bench.create_kept("gone").await;
    bench.put(&table, item("a", None)).await;
    let id = bench.tables.delete(table).await.unwrap().id.clone();
    // Half a file, which whoever opens the tables finds while the upkeep may already be writing it anew.
    std::fs::create_dir_all(bench.home.path().join("dynamodb")).unwrap();
    std::fs::write(bench.home.path().join("dynamodb").join(id), [1, 2, 3]).unwrap();
    load::sweep(&bench.store, |_| true).unwrap();
    assert_eq!(bench.files(), 1);
    bench.turn().await;
    let (key, _) = bench.backups().remove(0);
    assert!(bench.get(&bench.restore(&key, "again").await, "a").is_some());
}
