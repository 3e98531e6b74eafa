//! Layer 8: money. Reserves what an attempt can cost at the most before it is made, and settles
//! what it did cost however it ends. Once for every attempt, in every budget of the context.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::{FutureExt as _, Stream};
use largestack_ports::BoxFuture;
use largestack_ports::ledger::{BudgetKey, Ledger, Reservation};
use largestack_ports::model::ModelEvent;
use largestack_ports::tasks::Tasks;
use largestack_types::errors::{LargestackError, Result};
use largestack_types::money::Money;
use tower::Service;

use crate::job::Ask;
use crate::step::Step;

mod bounds;
mod reports;
mod reserve;
mod tab;

use reserve::{Reserved, reserve, reserve_now};
use tab::{Settling, Tab};

pub(crate) use reserve::Quote;

pub(crate) use bounds::Kept;

/// An output limit is never clamped below this many tokens: a budget that does not cover them is
/// used up.
pub const FLOOR_TOKENS: u32 = 256;

/// Keeps the budgets.
#[derive(Clone)]
pub(crate) struct Meter<S> {
    books: Books,
    inner: S,
}

/// Where money is booked.
#[derive(Clone)]
pub(crate) struct Books {
    ledger: Arc<dyn Ledger>,
    tasks: Arc<dyn Tasks>,
}

impl Books {
    fn report(&self, reservation: Arc<Reservation>, seen: Money) -> BoxFuture<'static, Result<()>> {
        let ledger = self.ledger.clone();
        Box::pin(async move { ledger.report(&reservation, seen).await })
    }

    fn settle(
        &self,
        reservation: Arc<Reservation>,
        used: Money,
        more: Vec<Reservation>,
    ) -> Settling {
        if more.is_empty()
            && let Some(settled) = self.ledger.settle_now(&reservation, used)
        {
            return Settling::Settled(settled);
        }
        let ledger = self.ledger.clone();
        Settling::Waits(Box::pin(async move {
            ledger.settle(&reservation, used).await?;
            for reservation in &more {
                ledger.release(reservation).await?;
            }
            Ok(())
        }))
    }

    fn reserve(
        &self,
        keys: Arc<[BudgetKey]>,
        amount: Money,
    ) -> BoxFuture<'static, Result<Reservation>> {
        let ledger = self.ledger.clone();
        Box::pin(async move { ledger.reserve(&keys, amount).await })
    }

    /// Gives back what was about to be reserved for more of a reply that nobody wants any more.
    fn give_back_more(&self, reserving: BoxFuture<'static, Result<Reservation>>) {
        let ledger = self.ledger.clone();
        self.tasks.spawn(Box::pin(async move {
            if let Ok(reservation) = reserving.await {
                let _ = ledger.release(&reservation).await;
            }
        }));
    }

    /// Settles at once where the ledger does not have to wait, else beside the caller. What a
    /// settlement that fails leaves behind is money still reserved: too much, never too little.
    fn settle_behind(&self, settling: Settling) {
        let Settling::Waits(mut settling) = settling else { return };
        let mut context = Context::from_waker(Waker::noop());
        if settling.as_mut().poll(&mut context).is_pending() {
            self.tasks.spawn(Box::pin(settling.map(drop)));
        }
    }

    /// Gives back what was about to be reserved for a call that nobody wants any more.
    fn give_back(&self, reserving: BoxFuture<'static, Result<Reserved>>) {
        let books = self.clone();
        self.tasks.spawn(Box::pin(async move {
            if let Some(reservation) = reserving.await.ok().and_then(Reserved::into_reservation) {
                let _ = books.ledger.release(&reservation).await;
            }
        }));
    }
}

impl<S> Meter<S> {
    pub(crate) fn new(ledger: Arc<dyn Ledger>, tasks: Arc<dyn Tasks>, inner: S) -> Self {
        Self { books: Books { ledger, tasks }, inner }
    }
}

/// An attempt and its tab.
pub(crate) struct Metered<S: Step> {
    inner: S,
    /// `None` once the attempt has begun.
    ask: Option<Ask>,
    books: Books,
    state: State<S::Events>,
}

enum State<E> {
    /// Not yet polled: no money is set aside.
    Asked(Quote),
    /// The ledger has to wait for somebody.
    Reserving(BoxFuture<'static, Result<Reserved>>),
    /// In this order, so that the attempt ends before its tab is closed.
    Running(E, Tab),
    /// The provider has gone beyond its limit: the event is held until there is money for more.
    Extending(BoxFuture<'static, Result<Reservation>>, E, Tab, Option<Result<ModelEvent>>),
    /// The last event is held until the books are settled.
    Settling(BoxFuture<'static, Result<()>>, Option<Result<ModelEvent>>),
    /// They are, or could not be.
    Settled(Result<()>, Option<Result<ModelEvent>>),
    Over,
}

impl<S: Step> Service<Ask> for Meter<S> {
    /// Boxed: every layer above moves what it wraps, and this is the large part of it.
    type Response = Box<Metered<S>>;
    type Error = LargestackError;
    type Future = Ready<Result<Self::Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut ask: Ask) -> Self::Future {
        let quote = ask.quote.take().unwrap_or_else(|| Quote::of(&ask));
        let mut metered = Box::new(Metered {
            inner: self.inner.clone(),
            ask: None,
            books: self.books.clone(),
            state: State::Over,
        });
        if quote.needs_no_money(&ask) {
            return ready(metered.begin(ask, quote.unreserved()).map(|()| metered));
        }
        metered.state = State::Asked(quote);
        metered.ask = Some(ask);
        ready(Ok(metered))
    }
}

impl<S: Step> Metered<S> {
    /// Asks for money for more of the reply before the event that went too far is handed on.
    fn extend(
        &mut self,
        more: BoxFuture<'static, Result<Reservation>>,
        event: Option<Result<ModelEvent>>,
    ) {
        if let State::Running(events, tab) = std::mem::replace(&mut self.state, State::Over) {
            self.state = State::Extending(more, events, tab, event);
        }
    }

    /// Sets money aside, at once where the ledger does not have to wait.
    fn ask_for_money(&mut self) -> Result<()> {
        let (State::Asked(quote), Some(ask)) =
            (std::mem::replace(&mut self.state, State::Over), self.ask.take())
        else {
            return Ok(());
        };
        match reserve_now(&*self.books.ledger, &ask.job, quote) {
            Ok(reserved) => self.begin(ask, reserved),
            Err(quote) => {
                let reserving = reserve(self.books.ledger.clone(), ask.job.clone(), quote);
                self.state = State::Reserving(Box::pin(reserving));
                self.ask = Some(ask);
                Ok(())
            }
        }
    }

    /// Hands an event on when the books are settled.
    fn settle(&mut self, settling: Settling, event: Option<Result<ModelEvent>>) {
        self.state = match settling {
            Settling::Settled(settled) => State::Settled(settled, event),
            Settling::Waits(settling) => State::Settling(settling, event),
        };
    }

    fn begin(&mut self, mut ask: Ask, reserved: Reserved) -> Result<()> {
        reserved.apply(&mut ask);
        let tab = Tab::open(reserved, &ask, self.books.clone());
        self.state = State::Running(self.inner.begin(ask)?, tab);
        Ok(())
    }
}

impl<S: Step> Stream for Metered<S> {
    type Item = Result<ModelEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Asked(_) => {
                    if let Err(error) = this.ask_for_money() {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                State::Reserving(reserving) => {
                    let reserved = futures::ready!(reserving.as_mut().poll(cx));
                    this.state = State::Over;
                    let begun = match (reserved, this.ask.take()) {
                        (Ok(reserved), Some(ask)) => this.begin(ask, reserved),
                        (Err(error), _) => Err(error),
                        (Ok(_), None) => return Poll::Ready(None),
                    };
                    if let Err(error) = begun {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                State::Running(events, tab) => {
                    let event = match tab.report(cx) {
                        Ok(()) => futures::ready!(Pin::new(events).poll_next(cx)),
                        // The budget is gone, whatever the provider still has to say.
                        Err(gone) => Some(Err(gone)),
                    };
                    let settling = match &event {
                        Some(Ok(ModelEvent::Done(answer))) => tab.answered(&answer.reply),
                        Some(Ok(event_before)) => {
                            tab.saw(event_before);
                            let Some(more) = tab.beyond() else { return Poll::Ready(event) };
                            this.extend(more, event);
                            continue;
                        }
                        Some(Err(error)) => tab.failed(error),
                        None => tab.dropped(),
                    };
                    this.settle(settling, event);
                }
                State::Extending(more, ..) => {
                    let more = futures::ready!(more.as_mut().poll(cx));
                    let State::Extending(_, events, mut tab, event) =
                        std::mem::replace(&mut this.state, State::Over)
                    else {
                        return Poll::Ready(None);
                    };
                    match more {
                        Ok(more) => {
                            tab.cover(more);
                            this.state = State::Running(events, tab);
                            return Poll::Ready(event);
                        }
                        Err(error) => {
                            // Cut off: the budget is gone, whatever the provider still has to say.
                            drop(events);
                            let settling = tab.failed(&error);
                            this.settle(settling, Some(Err(error)));
                        }
                    }
                }
                State::Settling(settling, event) => {
                    let settled = futures::ready!(settling.as_mut().poll(cx));
                    let event = event.take();
                    this.state = State::Settled(settled, event);
                }
                State::Settled(..) => {
                    let State::Settled(settled, event) =
                        std::mem::replace(&mut this.state, State::Over)
                    else {
                        return Poll::Ready(None);
                    };
                    return Poll::Ready(match (event, settled) {
                        (Some(Ok(_)), Err(error)) => Some(Err(error)),
                        (event, _) => event,
                    });
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }
}

impl<S: Step> Drop for Metered<S> {
    fn drop(&mut self) {
        // A tab closes itself; what waits for the ledger must not be lost half-way.
        match std::mem::replace(&mut self.state, State::Over) {
            State::Reserving(reserving) => self.books.give_back(reserving),
            State::Settling(settling, _) => self.books.settle_behind(Settling::Waits(settling)),
            State::Extending(more, ..) => self.books.give_back_more(more),
            _ => {}
        }
    }
}
