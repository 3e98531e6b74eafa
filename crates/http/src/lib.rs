//! What a process brings to the ports that only a process has: the way to providers over HTTP
//! ([`HttpTransport`]), the clocks, the operating system's randomness and tracked tasks. It
//! moves bytes and keeps time; it does not know what a provider's bytes mean, and it never
//! retries: both are the business of the gateway above.
//!
//! ```
//! use largestack_http::{Keys, HttpTransport};
//! use largestack_ports::vault::Sensitive;
//!
//! let keys = Keys::default().with("openai", Sensitive::new("sk-example"));
//! let transport = HttpTransport::new(keys);
//! assert!(!format!("{transport:?}").contains("sk-example"));
//! ```

mod body;
mod clients;
mod clock;
mod cloud;
mod connect;
mod credentials;
mod egress;
mod fault;
mod ids;
mod network;
mod tasks;
mod tls;
mod transport;
mod unzip;
mod zstd;

pub use clock::SystemClock;
pub use cloud::{CloudTransport, Variables};
pub use credentials::{Credentials, Keys, Overheard};
pub use egress::{HttpEgress, Resolve, SystemResolver};
pub use ids::OsIds;
pub use network::{Limits, Network, WrongNetwork};
pub use tasks::TokioTasks;
pub use transport::HttpTransport;
