"""Start a region of one's own: an empty template that says what belongs where."""

from __future__ import annotations

import csv
import errno
import io
from pathlib import Path
from typing import Any, Final

import pandas as pd
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from megalopolis.errors import BadInput, Problem
from megalopolis.region.catalogue import FOLDER, TABLE
from megalopolis.region.cells import is_numeric
from megalopolis.region.geonames import MIN_POPULATION, country_region, write_sources
from megalopolis.region.meta import KEYS_ZH, META_TABLES
from megalopolis.region.raw import table_titles
from megalopolis.region.region import Region
from megalopolis.region.schema import Column, schemas
from megalopolis.region.write import atomic, save_workbook, write_folder

_LAST_ROW: Final = 10_000
_KINDS_ZH: Final = {
    "id": "代码",
    "text": "文本",
    "line": "一行文本",
    "number": "数值",
    "integer": "整数",
    "year": "年份",
    "lon": "经度",
    "lat": "纬度",
    "ref": "引用",
    "enum": "选项",
}
_META: Final = (
    ("name", "My region", "我的区域"),
    ("currency", "USD", "CNY"),
    ("base_year", "2020", "2020"),
    ("languages", "en", "en, zh"),
)
_EXAMPLE: Final = {
    "en": ("id,name,lon,lat,population", "001,Ann,0.0,0.0,4000000", "002,Ben,1.0,0.0,2000000"),
    "zh": ("代码,英文名,名称,经度,纬度,常住人口(万人)", "001,Ann,安市,0.0,0.0,400", "002,Ben,本市,1.0,0.0,200"),
}
_TEXT: Final = {
    "en": (
        "Only the table cities is required. Fill in the others as far as they are known; delete the rest.",
        "Leave a cell empty where a value is not known. Nothing is invented for it.",
        "Ids are text: 010100 keeps its zero.",
        "Say in the table sources where every column comes from.",
        "Then run: megalopolis check",
        "Two rows of cities, as an example:",
        "table",
        "what it holds",
        ["column", "name in Chinese", "type", "unit", "required", "range", "default", "description"],
        "yes",
    ),
    "zh": (
        "只有“城市”表是必需的。其他各表按已知情况填写，不用的可以删除。",
        "不知道的数值请留空，程序不会替您编造。",
        "代码是文本：010100 开头的零会保留。表头可以写成“常住人口(万人)”“地区生产总值(亿元)”。",
        "请在“数据来源”表中写明每一列的来源。",
        "然后运行：megalopolis check",
        "城市表的两行示例：",
        "表",
        "内容",
        ["列", "英文列名", "类型", "单位", "必填", "范围", "默认值", "说明"],
        "是",
    ),
}

#: Where a catalogue of services begins; a document of comments alone is no catalogue.
_CATALOGUE: Final = """# Catalogue of public services: who asks for which evidence, and where it is issued.
# Remove the signs in front of the lines and fill them in; `megalopolis check` names every problem with its line.
# schema_version: 1
# id: my-catalogue
# title: {en: My services}
# currency: USD
# sources:
# - {id: guess, title: Our own judgement, kind: assumption}
# sectors:
# - {id: registry, label: {en: Registry office}}
# evidence_types:
# - id: identity_card
#   label: {en: Identity card}
#   issuer_role: home
#   issuer_sector: registry
#   obtain:
#     minutes: {value: 10, low: 2, high: 30, status: assumed, source: guess}
#     fee: {value: 0, status: assumed, source: guess}
#     issuance_days: {value: 0, status: assumed, source: guess}
#   status: assumed
#   source: guess
# procedures:
# - code: move
#   label: {en: Register a new address}
#   life_event: moving
#   competence: work
#   cases_per_1000: {value: 50, low: 20, high: 100, status: assumed, source: guess}
# services:
# - id: move
#   procedure: move
#   label: {en: Register a new address}
#   authority: registry
#   requirements:
#   - {id: who, label: {en: Proof of identity}, lists: [[identity_card]], status: assumed, source: guess}
#   channels:
#   - {kind: local_window, visits: 1, status: assumed, source: guess}
#   form_minutes: {value: 10, low: 5, high: 30, status: assumed, source: guess}
#   fee: {value: 0, status: assumed, source: guess}
#   stages:
#   - {id: decide, sector: registry, days: {value: 5, status: assumed, source: guess}}
#   output: {en: Registered address}
#   status: assumed
#   source: guess
# cities:
# - {id: '001', label: {en: Ann}, province: West}
# calendars:
# - {id: default, years: [2025], holidays: ['2025-01-01'], status: assumed, source: guess}
"""


def new_region(
    directory: Path,
    *,
    excel: bool = False,
    language: str = "en",
    country: str | None = None,
    min_population: int | None = None,
) -> list[Path]:
    """Write an empty template of a region, or the cities of a country.

    Parameters
    ----------
    directory : Path
        Folder to make. With ``excel`` the workbook ``region.xlsx`` in it, or the workbook itself where the path ends in
        ``.xlsx``.
    excel : bool
        One workbook with a sheet per table, with explanations and checks of what is typed in, instead of CSV files.
    language : str
        ``en`` or ``zh``: headers, names of sheets and explanations.
    country : str, optional
        Code or English name: a folder with its cities from GeoNames (`megalopolis.region.geonames`), and what was left
        out in ``SOURCES.md``.
    min_population : int, optional
        Residents below which its cities are left out.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    BadInput
        If there is something of that name already; nothing is overwritten. If no country is called so.
    """
    target = Path(directory)
    made = _country(country, min_population, excel=excel)
    try:
        if target.exists() and not (target.is_dir() and not any(target.iterdir())):
            raise BadInput(Problem(str(directory), "is there already", "give a name that is free"))
        if excel and target.suffix.casefold() == ".xlsx":
            with atomic(target) as part:
                save_workbook(_workbook(language), part)
            return [target]
        with atomic(target) as part:
            if made is not None:
                write_folder(made[0], part)
                write_sources(*made, part)
            else:
                part.mkdir()
                if excel:
                    save_workbook(_workbook(language), part / "region.xlsx")
                else:
                    _write_csvs(part, language)
    except OSError as error:
        if error.errno == errno.ENOSPC:  # nothing is wrong with the folder that was given
            raise
        raise BadInput(Problem(str(directory), error.strerror or "cannot be written", "give another folder")) from error
    return sorted(target.iterdir())


def _country(country: str | None, min_population: int | None, *, excel: bool) -> tuple[Region, pd.DataFrame] | None:
    """Cities of a country and what was left out, where one is asked for."""
    if country is None:
        if min_population is not None:
            raise BadInput(Problem("--min-population", "is of the cities of a country", "give --country as well"))
        return None
    if excel:
        raise BadInput(Problem("--country", "writes a folder, not a workbook", "leave out --excel"))
    return country_region(country, MIN_POPULATION if min_population is None else min_population)


def _header(column: Column, language: str) -> str:
    return column.header_zh if language == "zh" and column.header_zh else column.name


def _write_csvs(folder: Path, language: str) -> None:
    encoding = "utf-8-sig" if language == "zh" else "utf-8"  # spreadsheet programs take CSV without the mark for GBK
    (folder / FOLDER).mkdir()
    (folder / FOLDER / "catalogue.yaml").write_text(_CATALOGUE, encoding="utf-8", newline="\n")
    for name, schema in schemas().items():
        if name == TABLE:
            continue
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerow([_header(c, language) for c in schema.columns])
        (folder / f"{name}.csv").write_text(stream.getvalue(), encoding=encoding, newline="\n")
    lines = [f"{key}: {'[' + value + ']' if key == 'languages' else value}" for key, value in _meta(language)]
    (folder / "region.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    (folder / "README.md").write_text(_readme(language), encoding="utf-8", newline="\n")


def _meta(language: str) -> list[tuple[str, str]]:
    return [(key, zh if language == "zh" else en) for key, en, zh in _META]


def _readme(language: str) -> str:
    *said, example, _, _, header, _ = _TEXT[language]
    lines = ["# " + _meta(language)[0][1], "", *(f"- {line}" for line in said), "", str(example), "", "```"]
    lines += [*_EXAMPLE[language], "```", ""]
    for name in table_titles():
        schema = schemas()[name]
        file = f"{FOLDER}/*.yaml" if name == TABLE else f"{name}.csv"
        lines += [f"## {file}", "", _title(name, language), "", f"| {' | '.join(header)} |", "|---" * 8 + "|"]
        lines += ["| " + " | ".join(v.replace("|", "/") for v in _about(c, language)) + " |" for c in schema.columns]
        lines.append("")
    return "\n".join(lines)


def _title(table: str, language: str) -> str:
    row = table_titles()[table]
    return f"{row['name_zh']}：{row['title_zh']}" if language == "zh" else row["title"]


def _about(column: Column, language: str) -> list[str]:
    """Header, header in the other language, type, unit, required, range, default and description of a column."""
    names = [column.header_zh, column.name] if language == "zh" else [column.name, column.header_zh]
    kind = _KINDS_ZH.get(column.kind, column.kind) if language == "zh" else column.kind
    if column.choices:
        kind += f" ({', '.join(column.choices)})"
    limits = ""
    if column.low is not None or column.high is not None:
        low, high = ("" if limit is None else f"{limit:g}" for limit in (column.low, column.high))
        limits = f"{low}..{high}"
    required = _TEXT[language][-1] if column.required else ""
    return [*names, kind, column.unit, str(required), limits, column.default, column.description]


def _workbook(language: str) -> Workbook:
    book = Workbook()
    _explain(book.active, language)
    meta = book.create_sheet(META_TABLES[language == "zh"])
    for key, value in _meta(language):
        meta.append([KEYS_ZH[key] if language == "zh" else key, int(value) if value.isdigit() else value])
    meta.column_dimensions["A"].width = meta.column_dimensions["B"].width = 24
    for name in table_titles():
        _table_sheet(book.create_sheet(table_titles()[name]["name_zh"] if language == "zh" else name), name, language)
    return book


def _explain(sheet: Any, language: str) -> None:
    """Write the first sheet: what to do, and every column of every table."""
    *said, example, table, holds, header, _ = _TEXT[language]
    sheet.title = "说明" if language == "zh" else "README"
    for line in [*said, example]:
        sheet.append([line])
    for line in _EXAMPLE[language]:
        sheet.append(["", *line.split(",")])
    sheet.append([])
    sheet.append([table, *header])
    for cell in sheet[sheet.max_row]:
        cell.font = Font(bold=True)
    for name in table_titles():
        schema = schemas()[name]
        title = table_titles()[name]["name_zh"] if language == "zh" else name
        sheet.append([title, f"{holds}: {_title(name, language)}"])
        sheet.cell(sheet.max_row, 1).font = Font(bold=True)
        for column in schema.columns:
            sheet.append([title, *_about(column, language)])
    for letter, width in zip("ABCDEFGHI", (18, 18, 18, 24, 14, 10, 14, 10, 80), strict=True):
        sheet.column_dimensions[letter].width = width


def _table_sheet(sheet: Any, table: str, language: str) -> None:
    for position, column in enumerate(schemas()[table].columns, 1):
        letter = get_column_letter(position)
        cell = sheet.cell(1, position, _header(column, language))
        cell.font = Font(bold=True)
        cell.alignment = Alignment(vertical="top")
        if column.required:
            cell.fill = PatternFill("solid", fgColor="FFE699")
        unit = f" [{column.unit}]" if column.unit else ""
        cell.comment = Comment(f"{column.name}{unit}: {column.description}", "megalopolis", height=90, width=260)
        sheet.column_dimensions[letter].width = max(12, 2 * len(str(cell.value)) if language == "zh" else 14)
        if not is_numeric(column):  # ids typed as numbers would lose their zeros
            sheet.column_dimensions[letter].number_format = "@"
            for row in range(2, 102):
                sheet.cell(row, position).number_format = "@"
        rule = _validation(column)
        if rule is not None:
            sheet.add_data_validation(rule)
            rule.add(f"{letter}2:{letter}{_LAST_ROW}")
    sheet.freeze_panes = "A2"


def _validation(column: Column) -> DataValidation | None:
    """Return the check of what is typed into a column: the words of an enum, the range of a number."""
    if column.kind == "enum":
        return DataValidation(type="list", formula1=f'"{",".join(column.choices)}"', allow_blank=True)
    if not is_numeric(column):
        return None
    kind = "whole" if column.kind in {"integer", "year"} else "decimal"
    low, high = (column.low if column.low is not None else -1e15), (column.high if column.high is not None else 1e15)
    rule = DataValidation(type=kind, operator="between", formula1=f"{low:g}", formula2=f"{high:g}", allow_blank=True)
    rule.error = f"{column.name}: {low:g}..{high:g}"
    return rule
