"""A training as one page for people: what to listen to, how near it came, how it went, and what it was made from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from html import escape

import numpy as np

from remapd.training.long_term import LONG_TERM
from remapd.training.material import hit_report
from remapd.training.report_audio import ALL_ANSWERS, ALL_HITS, MOST_PAIRS, Pair, pairs
from remapd.training.report_plots import feature_label, learning_rate_chart, loss_chart, scatter_charts
from remapd.training.report_style import STYLE
from remapd.training.result import PARTS, Errors, TrainingResult

_ENDINGS = {
    "finished": "all epochs done",
    "stopped": "stopped by hand; what was learnt until then was kept",
}


def report_page(result: TrainingResult) -> str:
    """Give the page; sounds are linked below ``audio/``, nothing else lies outside of it."""
    title = f"Training report: {result.model.name}"
    sections = (_head(result), _listening(result), _accuracy(result), _scatter(result), _course(result),
                _data(result), _engine(result), _settings(result))  # fmt: skip
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
            *(line for section in sections for line in section),
            "</body>\n</html>\n",
        ]
    )


def _head(result: TrainingResult) -> Iterator[str]:
    model, test = result.model, result.part("test")
    before, after = test.bare_errors().overall, test.errors().overall
    yield f"<h1>{escape(model.name)}</h1>"
    yield (
        f'<p class="muted">Preset {escape(model.preset.name)} of {escape(model.synth)}, recipe '
        f"{escape(result.recipe)}, seed {result.seed}, {len(result.hits)} hits; {_ENDINGS[result.ending]}.</p>"
    )
    yield from (f'<p class="warning">{escape(text)}</p>' for text in hit_report(result.hits).warnings)
    yield '<div class="tiles">'
    yield _tile(_figure(after), f"mean error over the {len(LONG_TERM)} features, test hits")
    yield _tile(_figure(before), "the same with the bare preset")
    yield _tile(_figure(test.rank_correlation("loudness_t_db")), "louder is answered with louder (rank correlation)")
    yield _tile(_figure(test.rank_correlation("centroid_t")), "brighter is answered with brighter (rank correlation)")
    yield _tile(_duration(result.elapsed_s), "of training")
    yield "</div>"


def _listening(result: TrainingResult) -> Iterator[str]:
    listed = pairs(result)
    yield "<h2>Listen</h2>"
    if not listed:
        yield "<p>No hit was kept out for a test.</p>"
        return
    shown = f", {MOST_PAIRS} of {len(result.split.test)}" if len(listed) < len(result.split.test) else ""
    yield f"<p>Hits that training never saw, from soft to loud{shown}, and what the synthesiser answers.</p>"
    yield '<table class="listen"><thead><tr><th>hit</th><th class="number">loudness</th><th>played</th>'
    yield '<th>answer</th><th class="number">mean error</th></tr></thead><tbody>'
    yield _listen_row("all of them", "", ALL_HITS, ALL_ANSWERS, "")
    yield from (_pair_row(result, pair) for pair in listed)
    yield "</tbody></table>"


def _pair_row(result: TrainingResult, pair: Pair) -> str:
    origin = result.hits.origins[pair.hit]
    where = f"{origin.path.name} at {origin.onset_s:.2f} s"
    loudness = f"{_signed(result.hits.loudness_db[pair.hit], 1)} dB"
    error = result.differences.subset(np.array([pair.hit])).errors().mean
    return _listen_row(where, loudness, pair.hit_file, pair.answer_file, _figure(float(np.nanmean(error))))


def _listen_row(where: str, loudness: str, hit_file: str, answer_file: str, error: str) -> str:
    return (
        f'<tr><td class="where">{escape(where)}</td><td class="number">{loudness}</td>'
        f'<td class="sound" data-what="played">{_player(hit_file, f"played: {where}")}</td>'
        f'<td class="sound" data-what="answer">{_player(answer_file, f"answer: {where}")}</td>'
        f'<td class="number error" data-what="mean error">{error}</td></tr>'
    )


def _accuracy(result: TrainingResult) -> Iterator[str]:
    tested, trained = result.part("test"), result.part("train")
    before, after, known = tested.bare_errors(), tested.errors(), trained.errors()
    yield "<h2>Error of each feature</h2>"
    yield (
        '<p>Mean distance from the wanted change, in the unit of each feature, ± its deviation.</p><p class="muted">'
        f"{_key('before')}bare preset{_key('tested bar')}test hits{_key('after')}hits trained on</p>"
    )
    yield '<div class="scroll"><table><thead><tr><th>feature</th><th></th><th class="number">bare preset</th>'
    yield '<th class="number">test</th><th class="number">trained on</th></tr></thead><tbody>'
    for i, parameter in enumerate(LONG_TERM):
        label = escape(feature_label(parameter.name) + (f", {parameter.unit}" if parameter.unit else ""))
        bars = _bars(before.mean[i], after.mean[i], known.mean[i])
        yield f"<tr><td>{label}</td>{bars}{_cell(before, i)}{_cell(after, i)}{_cell(known, i)}</tr>"
    overall = [errors.overall for errors in (before, after, known)]
    cells = "".join(f'<td class="number"><b>{_figure(value)}</b></td>' for value in overall)
    yield f"<tr><td><b>mean</b></td>{_bars(*overall)}{cells}</tr></tbody></table></div>"


def _scatter(result: TrainingResult) -> Iterator[str]:
    yield "<h2>Wanted and reached</h2>"
    yield (
        "<p>How much each hit differs from the reference hit, and how much its answer differs from the bare preset: on "
        f'the dashed line they agree.</p><p class="muted">{_key("tested bar")}test hits{_key("after")}others</p>'
    )
    yield '<div class="charts">'
    for label, chart in scatter_charts(result):
        yield f"<figure><h3>{escape(label)}</h3>{chart}</figure>"
    yield "</div>"


def _course(result: TrainingResult) -> Iterator[str]:
    history = result.history
    yield "<h2>Course of training</h2>"
    if not len(history.train_loss):
        yield "<p>No epoch was completed.</p>"
        return
    validation = f"{_key('tested bar')}validation" if len(history.validation_loss) else ""
    yield (
        f"<p>{len(history.train_loss)} epochs; the weights are those after epoch {history.best_epoch + 1}.</p>"
        f'<p class="muted">{_key("after")}hits trained on{validation}</p>'
    )
    yield f'<div class="charts wide"><figure>{loss_chart(history)}</figure>'
    yield f"<figure>{learning_rate_chart(history)}</figure></div>"


def _data(result: TrainingResult) -> Iterator[str]:
    counts = ", ".join(f"{len(getattr(result.split, part))} {part}" for part in PARTS)
    origin = result.hits.origins[result.reference]
    yield f"<h2>What it was made from</h2><p>Of the hits: {escape(counts)}.</p><ul>"
    yield from (f"<li>{escape(line)}</li>" for line in hit_report(result.hits).text.splitlines())
    yield f"<li>reference hit: {escape(origin.path.name)} at {origin.onset_s:.2f} s</li></ul>"


def _engine(result: TrainingResult) -> Iterator[str]:
    answers = result.answers
    yield "<h2>What the engine plays</h2>"
    yield (
        "<p>The answers above come from the engine itself. This is how far their features lie from those that training "
        "computed.</p>"
    )
    yield '<div class="scroll"><table><thead><tr><th>feature</th><th class="number">mean distance</th>'
    yield '<th class="number">largest</th></tr></thead><tbody>'
    for parameter, mean, largest in zip(LONG_TERM, answers.mean, answers.largest, strict=True):
        cells = (f'<td class="number">{_with_unit(value, parameter.unit)}</td>' for value in (mean, largest))
        yield f"<tr><td>{escape(feature_label(parameter.name))}</td>{''.join(cells)}</tr>"
    yield "</tbody></table></div>"


def _settings(result: TrainingResult) -> Iterator[str]:
    model = result.model
    yield "<h2>Settings</h2><dl>"
    known = {"licence": model.licence, "description": model.description, **dict(result.settings)}
    for name, value in known.items():
        yield f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>"
    yield "</dl>"


def _tile(value: str, text: str) -> str:
    return f'<div class="tile"><b>{value}</b><span>{escape(text)}</span></div>'


def _player(file: str, label: str) -> str:
    return f'<audio controls preload="none" src="{escape(file)}" aria-label="{escape(label)}"></audio>'


def _key(kind: str) -> str:
    return f'<span class="key {kind}"></span>'


def _bars(before: float, after: float, trained: float) -> str:
    longest = max((value for value in (before, after, trained) if math.isfinite(value)), default=0.0) or 1.0
    widths = zip(("before", "tested", "after"), (before, after, trained), strict=True)
    bars: Iterable[str] = (
        f'<div class="bar {kind}" style="width:{100.0 * value / longest:.1f}%"></div>'
        for kind, value in widths
        if math.isfinite(value)
    )
    return f'<td class="bars">{"".join(bars)}</td>'


def _cell(errors: Errors, index: int) -> str:
    mean, deviation = errors.mean[index], errors.deviation[index]
    return f'<td class="number">{_figure(mean)} <span class="muted">± {_figure(deviation)}</span></td>'


def _figure(value: float) -> str:
    """Number with about three digits; a dash where there is none."""
    if not math.isfinite(value):
        return "–"
    return _signed(value, 1 if abs(value) >= 100.0 else 2 if abs(value) >= 1.0 else 3)


def _with_unit(value: float, unit: str) -> str:
    """Small number with its unit; a dash where there is none."""
    if not math.isfinite(value):
        return "–"
    figure = "< 0.001" if value < 0.001 else f"{value:.2g}"
    return escape(f"{figure} {unit}".rstrip())


def _signed(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def _duration(seconds: float) -> str:
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
