//! `duologue serve`: puts everything together in the order in which it can fail, runs it, and takes it down again. The data
//! folder first (another process may have it), then the port, then the realm from its rows; only what serves says so.

use crate::banner::{self, Facts, Paper};
use crate::certificates::{Certificates, Source};
use crate::cli::{Form, Options};
use crate::clock::Clock;
use crate::company::{Company, Place};
use crate::config::{Settings, Value, write_size};
use crate::driver::{Driver, Ending, Parts};
use crate::http::{App, Counters, router};
use crate::media::{Media, Rows};
use crate::memory::{self, Memory};
use crate::quic::Asked;
use crate::{listen, quic, reach, secrets};
use duologue_core::input::Level;
use duologue_core::wire::Closing;
use duologue_store::sqlite::{OpenError, Sqlite};
use duologue_store::{Store, Taken};
use duologue_transport::Table;
use duologue_transport_quic::{Carrier, Keys};
use duologue_transport_ws::Sockets;
use duologue_transport_ws::handshake::Origins;
use std::io::{Write, stdout};
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

/// From the signal to the end, whatever happens.
const STOP_MOST: Duration = Duration::from_millis(4_700);
/// How often the last closes are looked after.
const LAST_WORDS: Duration = Duration::from_millis(10);
/// And for how long: a little more than a close may take.
const LAST_WORDS_MOST: Duration = Duration::from_millis(1_600);
/// How long QUIC's last packets may take.
const GOODBYE_MOST: Duration = Duration::from_millis(200);
/// Connections that speak HTTP, beside those that became WebSockets.
const HTTP_MOST: usize = 2_048;

/// Why the process ends without having done what it was asked to: its exit code, and one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// 3: the data folder is in use. 1: anything else.
    pub exit: u8,
    /// For whoever started it.
    pub line: String,
}

impl Failed {
    fn because(line: impl Into<String>) -> Failed {
        Failed { exit: 1, line: line.into() }
    }
}

/// Runs the server until it is told to stop.
///
/// # Errors
/// `Failed` – it could not start, or had to end.
pub fn serve(settings: &Settings, options: &Options) -> Result<(), Failed> {
    raise_descriptors(settings.limits().links_max);
    let folder = settings.text("data").expect("it has a default").to_string();
    let mut store = open(Path::new(&folder))?;
    let Value::Listen(wanted) = *settings.value("listen") else { unreachable!("its kind") };
    let others = options.https.then(|| others(wanted.ip()));
    let certificates = certificates(settings, Path::new(&folder), wanted.ip(), others.as_deref())?;
    let listener = listen::bind(wanted).map_err(Failed::because)?;
    let address = listener.local_addr().map_err(|error| Failed::because(error.to_string()))?;
    let udp = match settings.quic_listen() {
        Some(udp) => Some((
            quic::bind(udp, address, wanted.port() == 0).map_err(Failed::because)?,
            quic::keys(Path::new(&folder)).map_err(Failed::because)?,
        )),
        None => None,
    };
    let last = store.standing().map_err(|down| Failed::because(down.to_string()))?.time;
    let clock = Clock::start(last, options.accept_clock)
        .map_err(|error| Failed::because(format!("{error}; set the clock right, or say --accept-clock if it is")))?;
    let taken = store.take().map_err(|down| Failed::because(down.to_string()))?;
    let media = media(settings, Path::new(&folder), &store)?;
    let driver = Driver::new();
    let up = driver.clone();
    let table = Table::new(settings.queue_max_bytes(), move |word| up.up(word));
    let parts = parts(settings, clock, (store, taken), &table, media.clone());
    let realm = driver.run(parts).map_err(|error| Failed::because(format!("no thread for the realm: {error}")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| Failed::because(error.to_string()))?;
    let next_conn = Arc::new(AtomicU64::new(1));
    let origins = Origins { allowed: settings.texts("http.origins").to_vec() };
    let asked = Asked { next_conn: next_conn.clone(), origins: origins.clone(), http_port: address.port() };
    let carrier = udp.zip(certificates.clone());
    let carrier = carrier.map(|(udp, certificates)| carrier_of(settings, &runtime, udp, certificates, &table, asked)).transpose()?;
    let app = Arc::new(App {
        driver: driver.clone(),
        sockets: Sockets::new(duologue_transport_ws::Config::default(), table.clone()),
        table,
        carrier,
        certificates: certificates.clone(),
        next_conn,
        origins,
        trusted: settings.networks("http.trusted_proxies").to_vec(),
        ready: AtomicBool::new(true),
        asking: App::room(),
        counters: Counters::default(),
        memory: Memory::new(settings.size("memory.budget")),
        connections_max: settings.limits().links_max,
        backend: "sqlite",
        media,
        media_base: settings.text("media.base_url").unwrap_or_default().to_string(),
        made_up: Arc::new(AtomicU64::new(0)),
    });
    let tls = certificates.clone().filter(|certificates| options.https || !certificates.is_development());
    // On a phone one writes the address without its scheme.
    let tls = tls.map(|certificates| listen::tls(certificates, options.https));
    let facts = Facts {
        address,
        secure: tls.is_some(),
        others,
        quic: app.quic_address(),
        people: options.with_people,
        folder,
        budget: write_size(settings.size("memory.budget")),
    };
    let served = runtime.block_on(async {
        let listener = TcpListener::from_std(listener).map_err(|error| Failed::because(error.to_string()))?;
        // The restore is over once the realm answers.
        driver.look().await.map_err(|_| Failed::because("the realm ended at once"))?;
        tokio::spawn(listen::accept(listener, tls, router(app.clone()), HTTP_MOST));
        tokio::spawn(judge_memory(app.clone(), settings.judge()));
        if let Some(carrier) = app.carrier.clone() {
            tokio::spawn(async move { carrier.accept().await });
        }
        if let Some(certificates) = certificates {
            let hangup = signal(SignalKind::hangup()).map_err(|error| Failed::because(error.to_string()))?;
            tokio::spawn(renew_certificates(certificates, hangup));
        }
        let company = options.with_people.map(|people| company(settings, people, &app));
        say_ready(options, &facts);
        until_told(&driver, &app, realm, company).await
    });
    runtime.shutdown_background();
    served
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

/// QUIC and WebTransport, which run inside of the runtime.
fn carrier_of(
    settings: &Settings,
    runtime: &Runtime,
    (socket, keys): (UdpSocket, Keys),
    certificates: Arc<Certificates>,
    table: &Arc<Table>,
    asked: Asked,
) -> Result<Arc<Carrier>, Failed> {
    let _inside = runtime.enter();
    let carrier = quic::carrier(socket, settings, keys, certificates, table.clone(), asked);
    carrier.map(Arc::new).map_err(|error| Failed::because(format!("QUIC: {error}")))
}

/// So many made-up people, over links in this process.
fn company(settings: &Settings, people: u32, app: &App) -> Company {
    let config = settings.company(people, u64::from_ne_bytes(secrets::random()));
    let place = Place { driver: app.driver.clone(), table: app.table.clone(), next_conn: app.next_conn.clone(), here: app.made_up.clone() };
    Company::start(config, place)
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

/// Where other devices reach what listens there.
fn others(listened: IpAddr) -> Vec<IpAddr> {
    reach::addresses(listened).unwrap_or_else(|error| {
        warn!(%error, "the system does not tell its interfaces: other devices may know an address, and their browsers will not know its certificate");
        Vec::new()
    })
}

/// The certificate, where one is needed: TLS has the operator's, or with `--https` (`others`) one for development; QUIC has the same,
/// or one for development where HTTP is plain.
fn certificates(
    settings: &Settings,
    folder: &Path,
    listened: IpAddr,
    others: Option<&[IpAddr]>,
) -> Result<Option<Arc<Certificates>>, Failed> {
    let source = match (settings.text("tls.certificate"), settings.text("tls.key"), others) {
        (Some(certificate), Some(key), None) => Source::Files { certificate: certificate.into(), key: key.into() },
        (_, _, Some(others)) => {
            let names = reach::names().into_iter().chain(others.iter().map(ToString::to_string)).collect();
            Source::Development { folder: folder.into(), names }
        }
        _ if settings.quic_listen().is_some() => {
            let named = !listened.is_unspecified() && !listened.is_loopback();
            Source::Development { folder: folder.into(), names: named.then(|| listened.to_string()).into_iter().collect() }
        }
        _ => return Ok(None),
    };
    Certificates::new(source).map(Some).map_err(|error| Failed::because(error.to_string()))
}

/// Another certificate takes the present one's place, and nobody is dropped: at SIGHUP, and when a development certificate ages.
async fn renew_certificates(certificates: Arc<Certificates>, mut hangup: Signal) {
    loop {
        let age = async {
            match certificates.renew_after() {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = hangup.recv() => {}
            () = age => {}
        }
        match certificates.renew() {
            Ok(()) => info!("the certificate was looked at again"),
            Err(error) => warn!(%error, "the certificate that holds stays"),
        }
    }
}

/// Opens the data folder.
fn open(folder: &Path) -> Result<Sqlite, Failed> {
    Sqlite::open(folder).map_err(|error| match error {
        OpenError::InUse { path } => Failed {
            exit: 3,
            line: format!("{} is in use by another duologue: stop it, or choose another folder with --data", path.display()),
        },
        other => Failed::because(format!("{other} (the folder of --data)")),
    })
}

/// A connection is a descriptor: as many as the system lets this process have.
fn raise_descriptors(connections: u32) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if setrlimit(Resource::Nofile, limit).is_err() {
        limit = getrlimit(Resource::Nofile);
    }
    let wanted = u64::from(connections) + 256;
    if limit.current.is_some_and(|most| most < wanted) {
        warn!(
            descriptors = limit.current,
            wanted, "fewer connections fit than connections.max: the system gives this process too few descriptors (ulimit -n)"
        );
    }
}

/// Waits for a signal or for the realm's own end, and takes everything down.
async fn until_told(driver: &Driver, app: &App, realm: std::thread::JoinHandle<Ending>, company: Option<Company>) -> Result<(), Failed> {
    let told = |kind| signal(kind).map_err(|error| Failed::because(error.to_string()));
    let (mut terminate, mut interrupt) = (told(SignalKind::terminate())?, told(SignalKind::interrupt())?);
    let mut ended = tokio::task::spawn_blocking(move || realm.join());
    let by_itself = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        ending = &mut ended => Some(ending),
    };
    let ending = match by_itself {
        Some(ending) => ending,
        None => {
            app.ready.store(false, Ordering::Relaxed);
            let stopped = tokio::time::timeout(STOP_MOST, async {
                // Made-up people do not come back after a restart: their calls end.
                if let Some(company) = company {
                    company.stop().await;
                }
                driver.drain();
                let ending = ended.await;
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
    };
    match ending {
        Ok(Ok(Ending::Drained)) => {
            info!("everything that was said is durable; goodbye");
            Ok(())
        }
        Ok(Ok(Ending::Stopped(why))) => {
            error!(%why, "the realm ended");
            Err(Failed::because(why))
        }
        Ok(Err(_)) | Err(_) => Err(Failed::because("the realm's thread panicked: this is a fault of ours")),
    }
}

/// Judges the memory's level, tells its changes (MEM 1), and has the realm do what is to be done about it (MEM 3).
async fn judge_memory(app: Arc<App>, every: Duration) {
    let mut before = Level::Ok;
    loop {
        tokio::time::sleep(every).await;
        let (used, level) = app.memory.level();
        if level != before || level == Level::Critical {
            app.driver.memory(level);
        }
        if level != before {
            let (used, budget) = (write_size(used >> 20 << 20), write_size(app.memory.budget()));
            if level > before {
                warn!(%used, %budget, level = memory::name(level), "memory")
            } else {
                info!(%used, %budget, level = memory::name(level), "memory")
            }
            before = level;
        }
    }
}

/// The first words: for people, or for whoever started it.
fn say_ready(options: &Options, facts: &Facts) {
    // Where the log is for machines nobody points a camera at the screen.
    let paper = Paper { terminal: Paper::stdout().terminal && options.log.is_none(), ..Paper::stdout() };
    let text = match options.ready {
        Some(Form::Json) => format!("{}\n", banner::for_programs(facts)),
        None => banner::for_people(facts, paper),
    };
    let mut out = stdout();
    // Whoever started it may not listen.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    info!(address = %facts.address, folder = facts.folder, version = env!("CARGO_PKG_VERSION"), "serving");
    if let Some(people) = facts.people {
        warn!(people, "people in the lobby are made up by this server (--with-people)");
    }
}
