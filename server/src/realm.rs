//! A realm at work, whoever it works for: its data folder opened, its rows read, its thread started, and what the routes need of
//! it. The process ([`crate::serve`]) and a program that takes Duologue in ([`crate::embed`]) put their own around it: ports,
//! signals, words for people.

use crate::certificates::Certificates;
use crate::clock::Clock;
use crate::config::{Settings, write_size};
use crate::driver::{Driver, Ending, Parts};
use crate::http::{App, Counters, Places};
use crate::media::{Media, Rows};
use crate::memory::{self, Memory};
use crate::secrets;
use duologue_core::input::Level;
use duologue_core::wire::Closing;
use duologue_store::sqlite::{OpenError, Sqlite};
use duologue_store::{Store, Taken};
use duologue_transport::Table;
use duologue_transport_quic::Carrier;
use duologue_transport_ws::Sockets;
use duologue_transport_ws::handshake::Origins;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;
use tracing::{error, info, warn};

/// From being told to stop to the end, whatever happens.
const STOP_MOST: Duration = Duration::from_millis(4_700);
/// How often the last closes are looked after.
const LAST_WORDS: Duration = Duration::from_millis(10);
/// And for how long: a little more than a close may take.
const LAST_WORDS_MOST: Duration = Duration::from_millis(1_600);
/// How long QUIC's last packets may take.
const GOODBYE_MOST: Duration = Duration::from_millis(200);

/// Why something ends without having done what it was asked to: an exit code for a process, and one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}")]
pub struct Failed {
    /// 3: the data folder is in use. 1: anything else.
    pub exit: u8,
    /// For whoever started it.
    pub line: String,
}

impl Failed {
    pub(crate) fn because(line: impl Into<String>) -> Failed {
        Failed { exit: 1, line: line.into() }
    }
}

/// A realm that was started.
pub(crate) struct Realm {
    pub(crate) driver: Driver,
    pub(crate) table: Arc<Table>,
    media: Option<Arc<Media>>,
    pub(crate) thread: JoinHandle<Ending>,
}

/// What the routes have to know beside the realm.
pub(crate) struct Around {
    pub(crate) carrier: Option<Arc<Carrier>>,
    pub(crate) certificates: Option<Arc<Certificates>>,
    pub(crate) next_conn: Arc<AtomicU64>,
    pub(crate) origins: Origins,
}

impl Realm {
    /// Judges the clock, takes the realm, and starts its thread.
    pub(crate) fn start(settings: &Settings, mut store: Sqlite, accept_clock: bool) -> Result<Realm, Failed> {
        let folder = settings.text("data").expect("it has a default").to_string();
        let last = store.standing().map_err(|down| Failed::because(down.to_string()))?.time;
        let clock = Clock::start(last, accept_clock)
            .map_err(|error| Failed::because(format!("{error}; set the clock right, or say --accept-clock if it is")))?;
        let taken = store.take().map_err(|down| Failed::because(down.to_string()))?;
        let media = media(settings, Path::new(&folder), &store)?;
        let driver = Driver::new();
        let up = driver.clone();
        let table = Table::new(settings.queue_max_bytes(), move |word| up.up(word));
        let parts = parts(settings, clock, (store, taken), &table, media.clone());
        let thread = driver.run(parts).map_err(|error| Failed::because(format!("no thread for the realm: {error}")))?;
        Ok(Realm { driver, table, media, thread })
    }

    /// What every handler may use.
    pub(crate) fn app(&self, settings: &Settings, around: Around) -> Arc<App> {
        let Around { carrier, certificates, next_conn, origins } = around;
        Arc::new(App {
            driver: self.driver.clone(),
            sockets: Sockets::new(duologue_transport_ws::Config::default(), self.table.clone()),
            table: self.table.clone(),
            carrier,
            certificates,
            next_conn,
            origins,
            trusted: settings.networks("http.trusted_proxies").to_vec(),
            ready: AtomicBool::new(true),
            asking: App::room(),
            places: Places::new(settings.waiting_max()),
            counters: Counters::default(),
            memory: Memory::new(settings.size("memory.budget")),
            connections_max: settings.limits().links_max,
            backend: "sqlite",
            media: self.media.clone(),
            media_base: settings.text("media.base_url").unwrap_or_default().to_string(),
            made_up: Arc::new(AtomicU64::new(0)),
        })
    }
}

/// How a realm's thread ended, for everybody who waits for it.
#[derive(Clone, Debug)]
pub(crate) struct Ended(watch::Receiver<Option<Result<(), Failed>>>);

impl Ended {
    /// Waits for the thread on another one, which is no runtime's: a runtime that is dropped would wait for it.
    pub(crate) fn of(thread: JoinHandle<Ending>) -> Ended {
        let (tell, told) = watch::channel(None);
        std::thread::spawn(move || tell.send_replace(Some(meaning(thread.join()))));
        Ended(told)
    }

    /// Waits for it; as often as one likes.
    pub(crate) async fn wait(&self) -> Result<(), Failed> {
        let mut told = self.0.clone();
        let ending = told.wait_for(Option::is_some).await.expect("it tells before it goes");
        ending.clone().expect("waited for")
    }
}

/// Tells everybody that the server goes away, writes what is to be written, and waits for the end, within [`STOP_MOST`]. `first` is
/// done before.
pub(crate) async fn stop(app: &App, ended: &Ended, first: impl Future<Output = ()>) -> Result<(), Failed> {
    app.ready.store(false, Ordering::Relaxed);
    let stopped = tokio::time::timeout(STOP_MOST, async {
        first.await;
        app.driver.drain();
        let ending = ended.wait().await;
        // The realm has said everything; the last words and closes are still on their way out of the sockets' tasks. Who
        // has come since then hears nothing any more, and is not waited for: a client comes back at once.
        let said = async {
            while !app.table.is_empty() {
                tokio::time::sleep(LAST_WORDS).await;
            }
        };
        let _ = tokio::time::timeout(LAST_WORDS_MOST, said).await;
        if let Some(carrier) = &app.carrier {
            carrier.stop(Closing::GoingAway.number(), GOODBYE_MOST).await;
        }
        ending
    });
    stopped.await.map_err(|_| Failed::because("the stop took too long"))?
}

/// What the end of a realm's thread means.
fn meaning(ending: std::thread::Result<Ending>) -> Result<(), Failed> {
    match ending {
        Ok(Ending::Drained) => {
            info!("everything that was said is durable; goodbye");
            Ok(())
        }
        Ok(Ending::Stopped(why)) => {
            error!(%why, "the realm ended");
            Err(Failed::because(why))
        }
        Err(_) => Err(Failed::because("the realm's thread panicked: this is a fault of ours")),
    }
}

/// What the realm runs with: its rules and rows, and the doors to the carriers and to the pictures.
fn parts(settings: &Settings, clock: Clock, (store, taken): (Sqlite, Taken), table: &Arc<Table>, media: Option<Arc<Media>>) -> Parts {
    let (down, heard) = (table.clone(), table.clone());
    Parts {
        rules: settings.rules(),
        limits: settings.limits(),
        gateway: settings.gateway(secrets::sha256),
        commit: duologue_core::commit::Config::default(),
        clock,
        store: Box::new(store),
        taken,
        down: Box::new(move |word| down.down(word)),
        taken_up: Box::new(move |word| heard.taken(word)),
        people_written: Box::new(move |people| media.iter().for_each(|media| media.rows_written(people))),
    }
}

/// The store of pictures, where there is to be one.
fn media(settings: &Settings, folder: &Path, store: &Sqlite) -> Result<Option<Arc<Media>>, Failed> {
    if settings.text("media.store") != Some("builtin") {
        return Ok(None);
    }
    let rows = Rows::new(store.reader().map_err(|down| Failed::because(down.to_string()))?);
    let media = Media::open(folder, settings.size("media.disk_max"), rows);
    media.map(|media| Some(Arc::new(media))).map_err(|error| Failed::because(format!("the folder of pictures: {error}")))
}

/// Opens the data folder.
pub(crate) fn open(folder: &Path) -> Result<Sqlite, Failed> {
    Sqlite::open(folder).map_err(|error| match error {
        OpenError::InUse { path } => Failed {
            exit: 3,
            line: format!("{} is in use by another duologue: stop it, or choose another folder with --data", path.display()),
        },
        other => Failed::because(format!("{other} (the folder of --data)")),
    })
}

/// Judges the memory's level, tells its changes and how it stands about as often as it is swept (MEM 1), and has the realm do what is
/// to be done about it (MEM 3).
pub(crate) async fn judge_memory(app: Arc<App>, (every, sweep): (Duration, Duration)) {
    let (mut before, mut untold) = (Level::Ok, Duration::ZERO);
    loop {
        tokio::time::sleep(every).await;
        untold += every;
        let (used, level) = app.memory.level();
        if level != before || level == Level::Critical {
            app.driver.memory(level);
        }
        if level != before || untold >= sweep {
            let (used, budget) = (write_size(used >> 20 << 20), write_size(app.memory.budget()));
            if level > before {
                warn!(%used, %budget, level = memory::name(level), "memory")
            } else {
                info!(%used, %budget, level = memory::name(level), "memory")
            }
            (before, untold) = (level, Duration::ZERO);
        }
    }
}
