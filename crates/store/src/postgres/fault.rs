//! What can go wrong with a database server, sorted by what a user can do about it. Nothing here
//! shows a password.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use largestack_types::id::RunId;

/// A database server that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address is not one.
    #[error("the address of the database server cannot be read")]
    Address,
    /// The address asks for a connection that others on the way could read.
    #[error("the address of the database server at {place} asks for a connection in clear")]
    InClear {
        /// Host and port.
        place: Arc<str>,
    },
    /// Nobody answers.
    #[error("the database server at {place} cannot be reached")]
    Unreachable {
        /// Host and port.
        place: Arc<str>,
        /// Why.
        source: sqlx::Error,
    },
    /// It is not who it should be, or speaks no TLS.
    #[error("the database server at {place} gives no connection that can be trusted")]
    Untrusted {
        /// Host and port.
        place: Arc<str>,
        /// Why.
        source: sqlx::Error,
    },
    /// User, password or database are not accepted.
    #[error("the database server at {place} does not let the user `{user}` in")]
    Refused {
        /// Host and port.
        place: Arc<str>,
        /// The user.
        user: Arc<str>,
        /// What the server said.
        source: sqlx::Error,
    },
    /// The user's rights are such that tenants would not be kept apart.
    #[error("row-level security does not hold for the user `{user}` of the database server")]
    AboveSecurity {
        /// The user.
        user: Arc<str>,
    },
    /// The tables are missing or old, and this user may not make them.
    #[error(
        "the tables in the database server are of version {found}, {known} is needed, and the \
         user may not make them"
    )]
    NotMigrated {
        /// The version found; 0 for none.
        found: i32,
        /// The version of this build.
        known: i32,
        /// What the server said.
        source: sqlx::Error,
    },
    /// The tables are newer than this build.
    #[error("the tables in the database server are of version {found}; this build knows {known}")]
    Newer {
        /// The version found.
        found: i32,
        /// The version of this build.
        known: i32,
    },
    /// Others hold what had to be locked; nothing was changed.
    #[error("others write into the database server; nothing was removed")]
    InUse,
    /// It was asked, and says nothing.
    #[error("the database server has not answered within {} s", .0.as_secs())]
    Silent(Duration),
    /// Anything else.
    #[error("the database server failed")]
    Other(#[from] sqlx::Error),
}

/// The condition that the server named (SQLSTATE).
fn state(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error()?.code()
}

/// Whether the server says that the user lacks a right (`insufficient_privilege`).
pub(super) fn lacks_right(error: &sqlx::Error) -> bool {
    state(error).as_deref() == Some("42501")
}

/// The run that the server says was taken over, as the functions of its schema do.
pub(crate) fn lost(error: &sqlx::Error) -> Option<RunId> {
    let said = error.as_database_error().filter(|said| said.code().as_deref() == Some("LS001"))?;
    let mut bytes = [0; 16];
    hex::decode_to_slice(said.message(), &mut bytes).ok()?;
    Some(RunId::from_u128(u128::from_be_bytes(bytes)))
}

/// Whether the server says that a lock was not to be had in time (`lock_not_available`).
pub(super) fn is_locked(error: &sqlx::Error) -> bool {
    state(error).as_deref() == Some("55P03")
}

/// Whether the server says that a number leaves its range (`numeric_value_out_of_range`).
pub(super) fn is_out_of_range(error: &sqlx::Error) -> bool {
    state(error).as_deref() == Some("22003")
}

impl ServerError {
    /// Whether the transaction was rolled back for the sake of another, and may be begun anew.
    pub(super) fn was_rolled_back(&self) -> bool {
        matches!(self, Self::Other(error) if state(error).is_some_and(|s| s.starts_with("40")))
    }

    /// Why a connection could not be made.
    pub(super) fn connecting(place: &str, user: &str, source: sqlx::Error) -> Self {
        let place = place.into();
        match &source {
            sqlx::Error::Tls(_) => Self::Untrusted { place, source },
            // What goes wrong in the handshake.
            sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                Self::Untrusted { place, source }
            }
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => Self::Unreachable { place, source },
            // Class 28 is a failed authentication, 3D000 a database that is not there.
            _ if state(&source).is_some_and(|s| s.starts_with("28") || s == "3D000") => {
                Self::Refused { place, user: user.into(), source }
            }
            _ => Self::Other(source),
        }
    }

    pub(crate) fn retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::InUse | Self::Silent(_) => true,
            Self::Other(error) => {
                matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut)
                    // Rolled back for the sake of another transaction; the connection was lost (class
                    // 08), or ended by an operator (57P).
                    || state(error).is_some_and(|state| {
                        ["40", "08", "57P"].iter().any(|class| state.starts_with(class))
                    })
            }
            _ => false,
        }
    }

    pub(crate) const fn suggestion(&self) -> Option<&'static str> {
        Some(match self {
            Self::Address => "It is of the form postgres://user:password@host:port/database",
            Self::InClear { .. } => {
                "Take `sslmode` out of the address, or set it to verify-full; only a server on \
                 this machine may be spoken to in clear"
            }
            Self::Unreachable { .. } => {
                "Start the server, or correct its address in the variable that `store.postgres` \
                 names"
            }
            Self::Untrusted { .. } => {
                "Give the server a certificate for its host name; of an authority of your own, \
                 name the certificate in the address: ?sslrootcert=FILE"
            }
            Self::Refused { .. } => {
                "Correct user, password and database in the variable that `store.postgres` names"
            }
            Self::AboveSecurity { .. } => {
                "Connect as a role of its own: CREATE ROLE largestack LOGIN PASSWORD '...' \
                 NOSUPERUSER NOBYPASSRLS"
            }
            Self::NotMigrated { .. } => {
                "Run it once as a role that may create tables in the schema: GRANT CREATE, USAGE \
                 ON SCHEMA public TO largestack"
            }
            Self::Newer { .. } => "Use the newer version of largestack that wrote them",
            Self::InUse => "Try it again, at a time when less is written",
            Self::Silent(_) | Self::Other(_) => return None,
        })
    }
}
