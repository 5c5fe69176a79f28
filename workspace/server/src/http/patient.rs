//! A connection that does not wait for ever for whoever should read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A reader that takes this much within the time that it is given is slow, and no trouble.
const ENOUGH: usize = 64 << 10;

/// A stream whose other end has to read in time what is written.
pub(super) struct Patient<S> {
    stream: S,
    /// The longest that writing may wait.
    most: Duration,
    /// When writing has waited too long; nothing while all that is written is taken.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Bytes that were taken since writing began to wait.
    taken: usize,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, most: Duration) -> Self {
        Self { stream, most, stalled: None, taken: 0 }
    }

    fn took(&mut self, taken: usize, offered: usize) {
        self.taken = self.taken.saturating_add(taken);
        if taken == offered || self.taken >= ENOUGH {
            self.stalled = None;
        }
    }

    /// Waits, but not for ever.
    fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if self.stalled.is_none() {
            self.taken = 0;
        }
        let most = self.most;
        ready!(self.stalled.get_or_insert_with(|| Box::pin(sleep(most))).as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read its answer")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Poll::Ready(written) = Pin::new(&mut self.stream).poll_write(context, bytes) else {
            return self.wait(context);
        };
        let written = written?;
        self.took(written, bytes.len());
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Poll::Ready(written) = Pin::new(&mut self.stream).poll_write_vectored(context, slices) else {
            return self.wait(context);
        };
        let written = written?;
        self.took(written, slices.iter().map(|slice| slice.len()).sum());
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_flush(context) {
            Poll::Ready(flushed) => Poll::Ready(flushed),
            Poll::Pending => self.wait(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn who_does_not_read_is_cut_and_who_reads_slowly_is_not() {
        let (mut client, server) = tokio::io::duplex(1024);
        let mut server = Patient::new(server, Duration::from_secs(2));
        let slow = tokio::spawn(async move {
            let mut read = [0; 1024];
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                client.read_exact(&mut read).await.unwrap();
            }
            client
        });
        server.write_all(&[7; 5 << 10]).await.unwrap();
        let client = slow.await.unwrap();
        let error = server.write_all(&[7; 4 << 10]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(client);
    }
}
