//! Title and links of a page, from a stream or from a DOM. Both read the same: `a[href]` and `area[href]` in document
//! order, resolved, without fragment, http and https only; the first `title` with its white space tidied.

use std::borrow::Cow;
use std::sync::LazyLock;

use futures_util::{Stream, TryStreamExt};
use lol_html::html_content::TextChunk;
use lol_html::send::{Element, ElementContentHandlers, HtmlRewriter, Settings};
use scraper::{Html, Selector};
use url::Url;

/// How a floor reads HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Parser {
    /// One streaming pass with lol_html.
    LolHtml,
    /// A DOM built by the crates-io `scraper`.
    Dom,
}

/// What a floor takes from a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// The page's title.
    pub title: Option<String>,
    /// Its links, resolved, in document order, repeats included.
    pub links: Vec<Url>,
}

type LolSelector = lol_html::Selector;

static LOL_LINK: LazyLock<LolSelector> = LazyLock::new(|| lol_selector("a[href], area[href]"));
static LOL_TITLE: LazyLock<LolSelector> = LazyLock::new(|| lol_selector("title"));
static DOM_LINK: LazyLock<Selector> = LazyLock::new(|| dom_selector("a[href], area[href]"));
static DOM_TITLE: LazyLock<Selector> = LazyLock::new(|| dom_selector("title"));

fn lol_selector(selector: &str) -> LolSelector {
    selector.parse().expect("the selector is a constant that parses")
}

fn dom_selector(selector: &str) -> Selector {
    Selector::parse(selector).expect("the selector is a constant that parses")
}

/// Reads a page as its chunks arrive. The page is taken to be UTF-8.
pub async fn streaming<C, E>(
    mut chunks: impl Stream<Item = Result<C, E>> + Unpin + Send,
    base: &Url,
) -> anyhow::Result<Extracted>
where
    C: AsRef<[u8]> + Send,
    E: std::error::Error + Send + Sync + 'static,
{
    let mut links = Vec::new();
    let mut title = Title::default();
    let settings = Settings::new_send()
        .with_strict(false)
        .append_element_content_handler((
            Cow::Borrowed(&*LOL_LINK),
            ElementContentHandlers::default().element(|element: &mut Element<'_, '_>| {
                if let Some(href) = element.get_attribute("href") {
                    links.extend(resolve(base, &htmlize::unescape_attribute(&href)));
                }
                Ok(())
            }),
        ))
        .append_element_content_handler((
            Cow::Borrowed(&*LOL_TITLE),
            ElementContentHandlers::default().text(|chunk: &mut TextChunk<'_>| {
                title.push(chunk.as_str(), chunk.last_in_text_node());
                Ok(())
            }),
        ));
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    while let Some(chunk) = chunks.try_next().await? {
        rewriter.write(chunk.as_ref())?;
    }
    rewriter.end()?;
    Ok(Extracted { title: title.finish(), links })
}

/// Reads a whole page. The page is taken to be UTF-8.
pub fn dom(page: &[u8], base: &Url) -> Extracted {
    let document = Html::parse_document(&String::from_utf8_lossy(page));
    let title = document.select(&DOM_TITLE).next().map(|title| tidy(&title.text().collect::<String>()));
    let hrefs = document.select(&DOM_LINK).filter_map(|link| link.value().attr("href"));
    let links = hrefs.filter_map(|href| resolve(base, href)).collect();
    Extracted { title: title.filter(|title| !title.is_empty()), links }
}

/// The first title of a page, which arrives in pieces.
#[derive(Default)]
struct Title {
    raw: String,
    complete: bool,
}

impl Title {
    fn push(&mut self, text: &str, last: bool) {
        if !self.complete {
            self.raw.push_str(text);
            self.complete = last;
        }
    }

    fn finish(self) -> Option<String> {
        let title = tidy(&htmlize::unescape(&self.raw));
        (!title.is_empty()).then_some(title)
    }
}

fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    for word in text.split_ascii_whitespace() {
        if !tidy.is_empty() {
            tidy.push(' ');
        }
        tidy.push_str(word);
    }
    tidy
}

fn resolve(base: &Url, href: &str) -> Option<Url> {
    let mut url = base.join(href).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_fragment(None);
    Some(url)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use url::Url;

    use super::{dom, streaming};

    const PAGE: &str = "<html><head><title>\n Caf&eacute; &amp; more </title></head><body>\
        <!-- <a href=/no>no</a> --><script>'<a href=\"/no\">'</script>\
        <a href='../x.html?a=1&amp;b=2#part'>x</a><a href=\"//other.test/y\">y</a><a href=mailto:a@b>m</a>\
        <svg><title>not this</title></svg><map><area href=/z></map><a>nothing</a><a href='http://['>bad</a>";

    #[tokio::test]
    async fn both_parsers_read_the_same_however_the_page_is_cut() {
        let base = Url::parse("http://h0.test/d/page.html").expect("a URL");
        let expected = dom(PAGE.as_bytes(), &base);
        assert_eq!(expected.title.as_deref(), Some("Café & more"));
        let links: Vec<&str> = expected.links.iter().map(Url::as_str).collect();
        assert_eq!(links, ["http://h0.test/x.html?a=1&b=2", "http://other.test/y", "http://h0.test/z"]);
        for size in [1, 7, 64, 4096] {
            let chunks = PAGE.as_bytes().chunks(size).map(Ok::<_, Infallible>);
            let streamed = streaming(stream::iter(chunks), &base).await.expect("it parses");
            assert_eq!(streamed, expected, "in chunks of {size}");
        }
    }
}
