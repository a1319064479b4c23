"""Personal data in free text is shown as its kind, whatever digits it is written in."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.security.masking import NotAPhone, mask, normalise_phone

MASKED = [
    ("电话13812345678", "电话[手机号]"),
    ("电话 138 1234 5678 请回", "电话 [手机号] 请回"),
    ("138-1234-5678", "[手机号]"),
    ("1 3 8 1 2 3 4 5 6 7 8", "[手机号]"),
    ("+86 138 1234 5678", "[手机号]"),
    ("8613812345678", "[手机号]"),
    ("008613812345678", "[银行卡号]"),  # 15 digits in a row: hidden, whatever it is
    ("１３８１２３４５６７８", "[手机号]"),
    ("＋８６－１３８１２３４５６７８", "[手机号]"),
    ("١٣٨١٢٣٤٥٦٧٨", "[手机号]"),
    ("①③⑧①②③④⑤⑥⑦⑧", "[手机号]"),
    ("138\u200b1234\u200b5678", "[手机号]"),
    ("一三八一二三四五六七八", "[手机号]"),
    ("幺三八〇零一二三四五六", "[手机号]"),
    ("手机号13812345678转告", "手机号[手机号]转告"),
    ("微信a13812345678b", "微信a[手机号]b"),
    ("1381234567813912345678", "[银行卡号]"),
    ("13812345678,13912345678", "[手机号],[手机号]"),
    ("0469-4123456", "[电话]"),
    ("(0469)4123456", "[电话]"),
    ("（０４６９）４１２３４５６", "[电话]"),
    ("010-62345678-8001", "[电话]"),
    ("0451 8212 3456", "[电话]"),
    ("座机：4123456", "座机：[电话]"),
    ("电话是4123456，", "电话是[电话]，"),
    ("身份证23050319880101123X", "身份证[身份证号]"),
    ("身份证23050319880101123x。", "身份证[身份证号]。"),
    ("身份证２３０５０３１９８８０１０１１２３Ｘ", "身份证[身份证号]"),
    ("230503 19880101 1234", "[身份证号]"),
    ("230503880101123", "[身份证号]"),
    ("卡号6222021234567890123", "卡号[银行卡号]"),
    ("6222 0212 3456 7890", "[银行卡号]"),
    ("6222 0212 3456 7890 123", "[银行卡号]"),
    ("车牌黑J12345", "车牌[车牌号]"),
    ("黑J·12345停在门口", "[车牌号]停在门口"),
    ("黑JD12345", "[车牌号]"),
    ("黑j12345f", "[车牌号]"),
    ("黑Ｊ１２３４５", "[车牌号]"),
    ("黑J1234警", "[车牌号]"),
    ("邮箱zhang.san+1@mail.example.com", "邮箱[邮箱]"),
    ("zhang＠example．com", "[邮箱]"),
    ("a" * 200 + "@example.com", "[邮箱]"),
]

KEPT = [
    "2025-09-26 16:00 双鸭山尖山区新兴大街8号路灯脱落",
    "1998-12-31 101室",
    "欠薪900元，3个月",
    "拨打12345、110、95598",
    "工单20250926000123",
    "第十八条第2款",
    "高度1.75米，宽13.5米，长1234.56米",
    "京A级",
    "鲁迅路12号",
    "@双鸭山发布",
    "𠮷𰻝 é é 👨‍👩‍👧",
]


@pytest.mark.parametrize(("written", "shown"), MASKED)
def test_personal_data_is_shown_as_its_kind(written: str, shown: str) -> None:
    assert mask(written) == shown


@pytest.mark.parametrize("text", KEPT)
def test_what_is_not_personal_stays_as_it_was_written(text: str) -> None:
    assert mask(text) == text


def test_the_requesters_own_name_and_number_are_masked_however_they_are_written() -> None:
    text = "我是欧阳娜娜，号码 412 3456，欧阳娜娜再次来电，４１２３４５６"
    assert (
        mask(text, "欧阳娜娜", "0469-4123456", None, "")
        == "我是[诉求人]，号码 412 3456，[诉求人]再次来电，４１２３４５６"
    )
    assert mask(text, "欧阳娜娜", "4123456") == "我是[诉求人]，号码 [诉求人]，[诉求人]再次来电，[诉求人]"


def test_a_name_of_one_character_is_not_searched_for() -> None:
    assert mask("王府井大街", "王") == "王府井大街"


@pytest.mark.parametrize("own", ["手机号", "[手机号]", "诉求", "诉求人"])
def test_an_odd_name_does_not_make_the_mask_eat_its_own_labels(own: str) -> None:
    once = mask("电话13812345678，手机号和诉求人", own)
    assert mask(once, own) == once
    assert "13812345678" not in once


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("0123456789１２３ -+()转xX@.a黑J·一三八电话：[]手机号座\u200b"), max_size=80))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = mask(text, "一三", "8765432")
    assert mask(once, "一三", "8765432") == once


@pytest.mark.parametrize(
    "unit",
    [
        "1",
        "13",
        "[",
        "「」",
        "(0",
        "1 ",
        "1-",
        "138 ",
        "黑J",
        "a",
        "a@",
        "a.",
        "@",
        "电话",
        "9" * 14 + " ",
        "86",
        "１３",
        "一",
    ],
)
def test_a_megabyte_of_anything_takes_a_moment(unit: str) -> None:
    mask("１")  # the table of digits is built once
    text = (unit * (1_000_000 // len(unit) + 1))[:1_000_000]
    began = time.process_time()
    mask(text, "张三丰", "13812345678")
    assert time.process_time() - began < 3.0  # ten times what a slow machine needs; a quadratic pattern takes hours


@pytest.mark.parametrize(
    "written",
    [
        "13812345678",
        "138 1234 5678",
        "138-1234-5678",
        "+8613812345678",
        "+86 138 1234 5678",
        "008613812345678",
        "86 13812345678",
        "１３８１２３４５６７８",
        "(138)12345678",
        "138\u200b12345678",
        " 13812345678\t",
    ],
)
def test_one_number_has_one_spelling(written: str) -> None:
    assert normalise_phone(written) == "+8613812345678"


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("0469-4123456", "+864694123456"),
        ("+86 469 4123456", "+864694123456"),
        ("010-62345678", "+861062345678"),
        ("010 62345678 转 8001", "+861062345678;8001"),
        ("13812345678转12", "+8613812345678;12"),
        ("4123456", "4123456"),
        ("95598", "95598"),
        ("400-812-3456", "4008123456"),
        ("+852 2345 6789", "+85223456789"),
        ("0085223456789", "+85223456789"),
    ],
)
def test_land_lines_short_and_foreign_numbers_are_normalised(written: str, normal: str) -> None:
    assert normalise_phone(written) == normal


@pytest.mark.parametrize(
    "written", ["", "abc", "1", "12", "23812345678", "138123456789", "1381234567", "١٢", "9" * 61, "张三"]
)
def test_what_is_no_number_is_refused_without_being_repeated(written: str) -> None:
    with pytest.raises(NotAPhone) as refused:
        normalise_phone(written)
    assert not written or written not in str(refused.value)
