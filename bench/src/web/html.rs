//! A page's HTML: a head with metadata, navigation that repeats, text, code, tables, scripts.
//!
//! The links on it are those of `links`, each written in one of the ways that links are written. There are also
//! some that no crawler may follow: in a comment, in a script, to `mailto:`.

use std::fmt::Write as _;

use super::draw::Draw;
use super::links::{Inline, PageLinks};
use super::words::{capitalised, name};
use super::{Place, Web};

/// How likely each range of page sizes is (in hundred), in bytes. Small pages are mostly frame, as in real life.
const SIZES: [(u32, u32, u32); 4] =
    [(40, 15_000, 24_000), (35, 24_000, 40_000), (20, 40_000, 80_000), (5, 80_000, 220_000)];

/// The parts of a page: most of these are headings.
const PARTS: u32 = 6;

/// A page on its way to being bytes.
struct PageWriter<'w> {
    web: &'w Web,
    host: u32,
    page: u32,
    path: String,
    title: String,
    draw: Draw,
    out: String,
}

impl Web {
    /// The HTML of a page.
    pub fn html(&self, host: u32, page: u32) -> String {
        let mut draw = self.draw("html", &[host, page]);
        let size = size(&mut draw);
        let mut writer = PageWriter {
            web: self,
            host,
            page,
            path: self.page_path_of(host, page),
            title: self.title(host, page),
            draw,
            out: String::with_capacity(size + 4_096),
        };
        let links = self.links(host, page);
        writer.head();
        writer.frame_top(&links);
        writer.main(&links, size);
        writer.frame_bottom(&links);
        writer.out
    }

    /// A page's title, with its entities.
    fn title(&self, host: u32, page: u32) -> String {
        let mut draw = self.draw("title", &[host, page]);
        format!("{} &amp; {} &#x2014; part {page}", name(&mut draw), name(&mut draw))
    }

    fn page_path_of(&self, host: u32, page: u32) -> String {
        self.path(host, Place::Page(page))
    }
}

fn size(draw: &mut Draw) -> usize {
    let mut dice = draw.below(100);
    for (share, low, high) in SIZES {
        if dice < share {
            return draw.between(low, high) as usize;
        }
        dice -= share;
    }
    unreachable!("the shares of the sizes add up to a hundred")
}

impl PageWriter<'_> {
    fn head(&mut self) {
        let url = self.web.url(self.host, Place::Page(self.page)).replace('&', "&amp;");
        let host = self.web.host_name(self.host);
        let (title, page) = (&self.title, self.page);
        let about = self.web.phrases.sentence(&mut self.draw).replace(['<', '>', '"'], " ");
        let day = 1 + page % 28;
        let _ = write!(
            self.out,
            r##"<!DOCTYPE html>
<html lang="en" class="no-js">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>
  {title}
</title>
<meta name="description" content="{about}">
<meta name="generator" content="synthetic 1.0">
<meta name="robots" content="index, follow">
<link rel="canonical" href="{url}">
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/theme.css?v=41c1">
<link rel="stylesheet" href="/static/highlight.css">
<link rel="alternate" type="application/atom+xml" title="News" href="/static/news.atom">
<meta property="og:type" content="article">
<meta property="og:site_name" content="{host}">
<meta property="og:title" content="{title}">
<meta property="og:description" content="{about}">
<meta property="og:url" content="{url}">
<meta property="og:image" content="http://{host}/static/card.png">
<meta name="twitter:card" content="summary">
<script type="application/ld+json">
{{"@context": "https://schema.org", "@type": "TechArticle", "headline": "{title}", "url": "{url}",
 "datePublished": "2024-03-{day:02}", "dateModified": "2025-09-{day:02}", "inLanguage": "en",
 "author": {{"@type": "Organization", "name": "{host}"}},
 "isPartOf": {{"@type": "WebSite", "name": "{host}", "url": "/"}}}}
</script>
<script>
window.site = window.site || {{}};
(function (w, d) {{
  w.site.theme = w.localStorage && localStorage.getItem("theme") || "auto";
  if (w.site.theme !== "auto" && 1 < 2) d.documentElement.dataset.theme = w.site.theme;
  w.site.more = '<a href="/never/from-a-script-{page}.html">more</a>';
}})(window, document);
</script>
<script src="/static/search.js" defer></script>
</head>
"##
        );
    }

    fn frame_top(&mut self, links: &PageLinks) {
        let page = self.page;
        let _ = write!(
            self.out,
            "<body class=\"docs\">\n<a class=\"skip\" href=\"#content\">Skip to content</a>\n<!-- <a \
             href=\"/never/from-a-comment-{page}.html\">retired</a> -->\n<header><nav class=\"site-nav\" \
             aria-label=\"Main\">\n<ul class=\"nav\">\n"
        );
        for target in &links.nav {
            let label = self.label(*target);
            self.item("nav-item", *target, "nav-link", &label);
        }
        self.out.push_str("</ul>\n</nav></header>\n<nav class=\"breadcrumbs\" aria-label=\"Way\"><ol>\n");
        for target in &links.trail {
            let label = self.label(*target);
            self.item("crumb", *target, "crumb-link", &label);
        }
        self.out.push_str(
            "</ol></nav>\n<div class=\"columns\">\n<aside class=\"sidebar\"><ul class=\"current\">\n",
        );
        for target in &links.side {
            let label = self.label(*target);
            self.item("toctree-l1", *target, "reference internal", &label);
        }
        self.out.push_str("</ul></aside>\n");
    }

    fn main(&mut self, links: &PageLinks, size: usize) {
        let title = self.title.clone();
        let _ = writeln!(self.out, "<main id=\"content\" role=\"main\"><article>\n<h1>{title}</h1>");
        if !links.children.is_empty() {
            self.out.push_str("<section class=\"children\"><h2>In this section</h2><ul>\n");
            for target in &links.children {
                let label = self.label(*target);
                self.item("child", *target, "reference internal", &label);
            }
            self.out.push_str("</ul></section>\n");
        }
        let mut inline = links.inline.iter();
        let mut blocks = 0;
        while self.out.len() + 2_500 < size || blocks < PARTS {
            if blocks % 5 == 0 {
                self.heading(blocks / 5 + 1);
            }
            self.block(&mut inline);
            blocks += 1;
        }
        self.out.push_str("<p class=\"see-also\">See also ");
        for link in inline {
            self.inline(*link);
            self.out.push_str(", ");
        }
        self.out.push_str("and the rest.</p>\n</article></main>\n</div>\n");
    }

    fn heading(&mut self, part: u32) {
        let title = name(&mut self.draw);
        let _ = writeln!(
            self.out,
            "<h2 id=\"part-{part}\">{title}<a class=\"headerlink\" href=\"#part-{part}\" title=\"Permalink\">¶</a></h2>"
        );
    }

    /// A paragraph, a listing, a definition or a table.
    fn block(&mut self, inline: &mut std::slice::Iter<'_, Inline>) {
        match self.draw.below(100) {
            0..78 => self.paragraph(inline),
            78..87 => self.listing(),
            87..95 => self.definition(inline),
            _ => self.table(),
        }
    }

    fn paragraph(&mut self, inline: &mut std::slice::Iter<'_, Inline>) {
        self.out.push_str("<p>");
        for _ in 0..self.draw.between(1, 4) {
            self.sentence();
            if let Some(link) = inline.next() {
                self.inline(*link);
                self.out.push(' ');
            }
        }
        self.sentence();
        self.out.push_str("</p>\n");
    }

    fn listing(&mut self) {
        self.out.push_str(
            "<div class=\"highlight-python notranslate\"><div class=\"highlight\"><pre><span></span>",
        );
        for _ in 0..self.draw.between(2, 9) {
            self.out.push_str(self.web.phrases.code_line(&mut self.draw));
        }
        self.out.push_str("</pre></div></div>\n");
    }

    fn definition(&mut self, inline: &mut std::slice::Iter<'_, Inline>) {
        let term = self.draw.pick(&super::words::WORDS);
        let number = self.draw.below(10_000);
        let _ = write!(
            self.out,
            "<dl class=\"py function\"><dt class=\"sig sig-object py\" id=\"{term}-{number}\"><span class=\"sig-name \
             descname\"><span class=\"pre\">{term}</span></span><span class=\"sig-paren\">(</span><em \
             class=\"sig-param\"><span class=\"n\"><span class=\"pre\">value</span></span></em><span \
             class=\"sig-paren\">)</span><a class=\"headerlink\" href=\"#{term}-{number}\" title=\"Link\">¶</a></dt><dd>"
        );
        self.paragraph(inline);
        self.out.push_str("</dd></dl>\n");
    }

    fn table(&mut self) {
        self.out.push_str("<table class=\"docutils align-default\"><thead><tr class=\"row-odd\">");
        let columns = self.draw.between(2, 4);
        for _ in 0..columns {
            let _ = write!(self.out, "<th class=\"head\">{}</th>", self.draw.pick(&super::words::WORDS));
        }
        self.out.push_str("</tr></thead><tbody>\n");
        for _ in 0..self.draw.between(3, 9) {
            self.out.push_str("<tr class=\"row-even\">");
            for _ in 0..columns {
                let word = self.draw.pick(&super::words::WORDS);
                let _ = write!(self.out, "<td>{word} {}</td>", self.draw.below(1_000));
            }
            self.out.push_str("</tr>\n");
        }
        self.out.push_str("</tbody></table>\n");
    }

    fn frame_bottom(&mut self, links: &PageLinks) {
        self.out.push_str("<nav class=\"pager\"><ul>\n");
        for target in &links.pager {
            let label = self.label(*target);
            self.item("page-item", *target, "page-link", &label);
        }
        self.out.push_str("</ul></nav>\n<footer><ul class=\"footer-links\">\n");
        for target in &links.footer {
            let url = self.web.url(self.host, Place::Page(*target)).replace('&', "&amp;");
            let _ = writeln!(self.out, "<li><a href=\"{url}\" rel=\"help\">{}</a></li>", self.label(*target));
        }
        let host = self.web.host_name(self.host);
        let _ = write!(
            self.out,
            "</ul>\n<p>&copy; 2025 {host}. <a href=\"mailto:web@{host}\">Write to us</a> or <a \
             href=\"javascript:print()\">print</a>.</p></footer>\n<script>\n  document.querySelectorAll('pre').forEach(\
             function (el, i) {{ if (i < 99) el.tabIndex = 0; }});\n</script>\n</body>\n</html>\n"
        );
    }

    fn sentence(&mut self) {
        self.out.push_str(self.web.phrases.sentence(&mut self.draw));
    }

    /// What a link to a page is called.
    fn label(&self, page: u32) -> String {
        match self.web.layout(self.host).place(page) {
            None => "Home".to_owned(),
            Some((section, 0)) => capitalised(self.web.section_name(self.host, section)),
            Some(_) => format!("Part {page}"),
        }
    }

    /// A list item with a link: on every third page a relative one.
    fn item(&mut self, item_class: &str, page: u32, link_class: &str, label: &str) {
        let path = self.web.page_path_of(self.host, page).replace('&', "&amp;");
        let (up, path) =
            if self.page.is_multiple_of(3) { (self.to_root(), &path[1..]) } else { (String::new(), &*path) };
        let _ = writeln!(
            self.out,
            "<li class=\"{item_class}\"><a class=\"{link_class}\" href=\"{up}{path}\">{label}</a></li>"
        );
    }

    /// The relative way from this page to the root of its host.
    fn to_root(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        match path.matches('/').count() {
            0 | 1 => "./".to_owned(),
            depth => "../".repeat(depth - 1),
        }
    }

    fn inline(&mut self, link: Inline) {
        match link {
            Inline::Page { host, page, part } => {
                let path = self.web.page_path_of(host, page).replace('&', "&amp;");
                self.out.push_str("<a class=\"reference internal\" href=\"");
                if host != self.host {
                    let _ = write!(self.out, "//{}:{}", self.web.host_name(host), self.web.port);
                }
                self.out.push_str(&path);
                if let Some(part) = part {
                    let _ = write!(self.out, "#part-{part}");
                }
                let _ = write!(self.out, "\"><span class=\"std std-ref\">part {page}</span></a>");
            }
            Inline::File(number) => {
                let path = self.web.path(self.host, Place::File(number));
                let _ = write!(self.out, "<a class=\"reference download\" href=\"{path}\">download</a>");
            }
            Inline::Away(number) => {
                let _ = write!(
                    self.out,
                    "<a class=\"reference external\" rel=\"nofollow\" href=\"https://away-{}.test/page/{number}\">\
                     elsewhere</a>",
                    number % 50
                );
            }
        }
    }
}
