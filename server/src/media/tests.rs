use super::*;
use duologue_core::commit::{Batch, Written};
use duologue_core::kit::time::Millis;
use duologue_core::row::{PersonRow, Row};
use duologue_core::wire::Totals;
use duologue_store::{Memory, Store};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

const ANN: UserId = UserId(0x0f3c_5d1e_8a61_4b07_9d2f_1c2b_3a4d_5e6f);
const BOB: UserId = UserId(0xb7e0_2c9a_44d1_4c3e_8f5b_6a79_8011_2233);

/// A store on a folder and rows of a test's own.
struct World {
    data: PathBuf,
    rows: Memory,
    position: u64,
    media: Arc<Media>,
    runtime: Runtime,
}

impl World {
    fn new(name: &str) -> World {
        World::with(name, 1 << 20)
    }

    fn with(name: &str, bytes_max: u64) -> World {
        let data = std::env::temp_dir().join(format!("duologue-media-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&data);
        let mut rows = Memory::new();
        rows.take().expect("a fresh store");
        let media = open(&data, &rows, bytes_max);
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        let world = World { data, rows, position: 0, media, runtime };
        // The first sweep is over: nobody holds a guard here, as those do who write a row.
        world.tidied(ANN);
        world
    }

    /// As after a crash.
    fn again(&mut self) {
        self.media = open(&self.data, &self.rows, 1 << 20);
    }

    /// The person's row is durable.
    fn says(&mut self, user: UserId, selfie: &str) {
        self.position += 1;
        let (name, gender, video, tags) = ("Mia".into(), String::new(), String::new(), Vec::new());
        let row = PersonRow { user, name, gender, selfie: selfie.into(), video, tags, created: Millis(1), totals: Totals::default() };
        let batch = Batch { epoch: 1, position: self.position, time: Millis(self.position), rows: vec![Row::Person(Box::new(row))] };
        assert_eq!(self.rows.write(&batch), Written::Done { position: self.position });
    }

    fn keep(&self, user: UserId, content: &[u8]) -> Result<Name, NotKept> {
        self.runtime.block_on(self.media.keep(user, content.to_vec()))
    }

    fn read(&self, name: Name) -> Option<Vec<u8>> {
        self.runtime.block_on(self.media.read(name))
    }

    fn tidied(&self, user: UserId) {
        self.runtime.block_on(self.media.tidied(user));
    }

    /// For what no answer tells.
    fn until_files_are(&self, wanted: (u64, u64)) {
        let wait = async {
            while self.files() != wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let came = self.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), wait).await });
        assert!(came.is_ok(), "there are {:?}, not {wanted:?}", self.files());
    }

    fn files(&self) -> (u64, u64) {
        let Usage { files, bytes, .. } = self.media.usage();
        (files, bytes)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.data);
    }
}

fn open(data: &Path, rows: &Memory, bytes_max: u64) -> Arc<Media> {
    Arc::new(Media::open(data, bytes_max, Rows::new(Box::new(rows.clone()))).expect("a folder"))
}

#[test]
fn a_picture_is_named_by_its_owner_and_its_content_and_is_a_reference() {
    let world = World::new("named");
    let name = world.keep(ANN, b"a picture").expect("kept");
    assert_eq!(name.to_string(), "0f3c5d1e-8a61-4b07-9d2f-1c2b3a4d5e6f/92b2fa5802895831.jpg");
    assert!(duologue_core::kit::text::is_reference(&name.to_string()));
    assert_eq!(Name::of_reference(&name.to_string()), Some(name));
    assert_eq!(world.read(name).as_deref(), Some(&b"a picture"[..]));
    // Again it is the same file; of another it is another's.
    assert_eq!(world.keep(ANN, b"a picture"), Ok(name));
    assert_eq!(world.files(), (1, 9));
    assert_ne!(world.keep(BOB, b"a picture"), Ok(name));
    assert_eq!(world.files(), (2, 18));
}

/// Nothing that somebody sends is part of a path: what is not exactly a name of ours names nothing.
#[test]
fn no_word_of_a_stranger_becomes_a_path() {
    let user = "0f3c5d1e-8a61-4b07-9d2f-1c2b3a4d5e6f";
    assert!(Name::parse(user, "0123456789abcdef.jpg").is_some());
    for (user, file) in [
        ("..", "duologue.db"),
        ("..", "0123456789abcdef.jpg"),
        (user, "../../duologue.db"),
        (user, "0123456789abcdef.png"),
        (user, "0123456789abcdef.jpg/"),
        (user, "0123456789abcdef.jpg\0"),
        (user, "0123456789ABCDEF.jpg"),
        (user, "+123456789abcdef.jpg"),
        (user, "0123456789abcde.jpg"),
        (user, "0123456789abcdef0.jpg"),
        (user, "éééééééé.jpg"),
        (user, ".jpg"),
        (user, "0.part"),
        ("0F3C5D1E-8A61-4B07-9D2F-1C2B3A4D5E6F", "0123456789abcdef.jpg"),
        ("", "0123456789abcdef.jpg"),
    ] {
        assert_eq!(Name::parse(user, file), None, "{user}/{file}");
    }
}

#[test]
fn what_a_row_does_not_say_goes_and_what_it_says_stays() {
    let mut world = World::new("said");
    let (old, new) = (world.keep(ANN, b"old").expect("kept"), world.keep(ANN, b"new").expect("kept"));
    world.says(ANN, &new.to_string());
    world.tidied(ANN);
    assert_eq!((world.read(old), world.read(new).is_some(), world.files()), (None, true, (1, 3)));
    world.says(ANN, "");
    world.tidied(ANN);
    assert_eq!((world.read(new), world.files()), (None, (0, 0)));
    assert_eq!(fs::read_dir(world.data.join("media")).expect("a folder").count(), 0, "nor does her folder stay");
}

/// Whoever names another's picture as their own can neither keep it alive nor have it thrown away.
#[test]
fn a_picture_is_its_owners_alone() {
    let mut world = World::new("owned");
    let (hers, his) = (world.keep(ANN, b"hers").expect("kept"), world.keep(BOB, b"his").expect("kept"));
    world.says(ANN, &hers.to_string());
    world.says(BOB, &hers.to_string());
    world.tidied(BOB);
    assert_eq!((world.read(his), world.read(hers).is_some()), (None, true));
    world.says(ANN, "somewhere/else.jpg");
    world.tidied(ANN);
    assert_eq!(world.read(hers), None);
}

/// DUR: a process that was killed between file and row, or in the middle of a file, leaves nothing.
#[test]
fn what_a_crash_left_is_gone_after_the_start_and_the_rest_is_counted() {
    let mut world = World::new("crashed");
    let kept = world.keep(ANN, b"kept").expect("kept");
    let (lost, forgotten) = (world.keep(ANN, b"never said").expect("kept"), world.keep(BOB, b"nobody").expect("kept"));
    world.says(ANN, &kept.to_string());
    fs::write(world.data.join("media").join(ANN.to_string()).join("7.part"), b"half a pic").expect("written");
    fs::write(world.data.join("media").join("README"), b"no folder of anybody").expect("written");
    world.again();
    world.until_files_are((1, 4));
    assert_eq!((world.read(kept).is_some(), world.read(lost), world.read(forgotten)), (true, None, None));
}

/// No collection is without a maximum (`ARCHITECTURE.md`).
#[test]
fn a_full_store_takes_no_more_until_something_goes() {
    let mut world = World::with("full", 20);
    let first = world.keep(ANN, &[1; 12]).expect("kept");
    world.says(ANN, &first.to_string());
    assert_eq!(world.keep(BOB, &[2; 12]), Err(NotKept::Full));
    assert_eq!((world.files(), world.media.folder.has(BOB)), ((1, 12), false));
    world.says(ANN, "");
    world.tidied(ANN);
    assert!(world.keep(BOB, &[2; 12]).is_ok());
}

#[test]
fn a_file_whose_row_is_on_its_way_is_not_tidied() {
    let mut world = World::new("underway");
    let media = world.media.clone();
    let writing = world.runtime.block_on(media.writing());
    let name = world.keep(ANN, b"new").expect("kept");
    // Word of an earlier row of hers comes late.
    world.media.rows_written(&[ANN]);
    world.says(ANN, &name.to_string());
    drop(writing);
    world.tidied(ANN);
    assert!(world.read(name).is_some());
}

#[test]
fn everybody_brings_one_picture_at_a_time_and_all_together_so_many() {
    let world = World::new("turns");
    let first = world.media.turn(ANN).expect("her turn");
    assert_eq!(world.media.turn(ANN).err(), Some(NoTurn::Theirs));
    drop(first);
    let turns: Vec<Turn> = (0..RECEIVED_MOST as u128).map(|n| world.media.turn(UserId(n)).expect("a turn")).collect();
    assert_eq!(world.media.turn(ANN).err(), Some(NoTurn::Full));
    drop(turns);
    assert!(world.media.turn(ANN).is_ok());
}

/// No collection is without a maximum: where more people wait to be looked at than may, everybody is looked at, and nobody forgotten.
#[test]
fn a_wish_that_found_no_room_is_not_forgotten() {
    let world = World::new("crowded");
    let media = world.media.clone();
    let writing = world.runtime.block_on(media.writing());
    let (first, last) = (world.keep(ANN, b"first").expect("kept"), world.keep(BOB, b"last").expect("kept"));
    // The broom waits for the writer, the queue fills, and there is no room for Bob.
    world.media.rows_written(&[ANN]);
    world.media.rows_written(&vec![UserId(7); 3_000]);
    world.media.rows_written(&[BOB]);
    assert!(world.read(first).is_some() && world.read(last).is_some());
    drop(writing);
    world.until_files_are((0, 0));
}
