"""The closed folding table: which Latin letters become which of a-z, whatever the runtime's Unicode version.

It covers Latin-1 Supplement, Latin Extended-A and -B, Latin Extended Additional, the Latin ligatures, the fullwidth
letters, and the other case of each of these where it stands in another block. A test derives it again from
`unicodedata`, and another holds the published copy (`docs/spec/vectors/folding-v1.json`) to it.
"""

from __future__ import annotations

LETTERS: dict[str, str] = {
    "a": "ªÀÁÂÃÄÅàáâãäåĀāĂăĄąǍǎǞǟǠǡǺǻȀȁȂȃȦȧȺḀḁẚẠạẢảẤấẦầẨẩẪẫẬậẮắẰằẲẳẴẵẶặⱥＡａ",
    "b": "ƀƁƂƃƄƅɃɓḂḃḄḅḆḇＢｂ",
    "c": "ÇçĆćĈĉĊċČčƇƈȻȼḈḉＣｃ",
    "d": "ÐðĎďĐđƉƊƋƌƍȡɖɗḊḋḌḍḎḏḐḑḒḓẟＤｄ",
    "e": "ÈÉÊËèéêëĒēĔĕĖėĘęĚěƎƏƐǝȄȅȆȇȨȩɆɇəɛḔḕḖḗḘḙḚḛḜḝẸẹẺẻẼẽẾếỀềỂểỄễỆệＥｅ",
    "f": "ƑƒḞḟＦｆ",
    "g": "ĜĝĞğĠġĢģƓƔƢƣǤǥǦǧǴǵɠɣḠḡＧｇ",
    "h": "ĤĥĦħȞȟḢḣḤḥḦḧḨḩḪḫẖＨｈ",
    "i": "ÌÍÎÏìíîïĨĩĪīĬĭĮįİıƖƗǏǐȈȉȊȋɨɩḬḭḮḯỈỉỊịＩｉ",
    "j": "ĴĵǰȷɈɉＪｊ",
    "k": "ĶķĸƘƙǨǩḰḱḲḳḴḵＫｋ",
    "l": "ĹĺĻļĽľĿŀŁłƚƛȴȽḶḷḸḹḺḻḼḽＬｌ",
    "m": "ƜɯḾḿṀṁṂṃＭｍ",
    "n": "ÑñŃńŅņŇňŉŊŋƝƞǸǹȠȵɲṄṅṆṇṈṉṊṋＮｎ",
    "o": "ºÒÓÔÕÖØòóôõöøŌōŎŏŐőƆƟƠơǑǒǪǫǬǭǾǿȌȍȎȏȪȫȬȭȮȯȰȱɔɵṌṍṎṏṐṑṒṓỌọỎỏỐốỒồỔổỖỗỘộỚớỜờỞởỠỡỢợＯｏ",
    "p": "ƤƥṔṕṖṗＰｐ",
    "q": "ɊɋＱｑ",
    "r": "ŔŕŖŗŘřƦȐȑȒȓɌɍʀṘṙṚṛṜṝṞṟＲｒ",
    "s": "ŚśŜŝŞşŠšſƧƨƩƪȘșȿʃṠṡṢṣṤṥṦṧṨṩẛẜẝⱾＳｓ",
    "t": "ŢţŤťŦŧƫƬƭƮȚțȶȾʈṪṫṬṭṮṯṰṱẗⱦＴｔ",
    "u": "ÙÚÛÜùúûüŨũŪūŬŭŮůŰűŲųƯưƱǓǔǕǖǗǘǙǚǛǜȔȕȖȗɄʉʊṲṳṴṵṶṷṸṹṺṻỤụỦủỨứỪừỬửỮữỰựＵｕ",
    "v": "ƲɅʋʌṼṽṾṿỼỽＶｖ",
    "w": "ŴŵƿǷẀẁẂẃẄẅẆẇẈẉẘＷｗ",
    "x": "ẊẋẌẍＸｘ",
    "y": "ÝýÿŶŷŸƳƴȜȝȲȳɎɏẎẏẙỲỳỴỵỶỷỸỹỾỿＹｙ",
    "z": "ŹźŻżŽžƵƶƷƸƹƺǮǯȤȥɀʒẐẑẒẓẔẕⱿＺｚ",
    "ae": "ÆæǢǣǼǽ",
    "db": "ȸ",
    "dz": "ǄǅǆǱǲǳ",
    "ff": "ﬀ",
    "fi": "ﬁ",
    "fl": "ﬂ",
    "hv": "ƕǶ",
    "ij": "Ĳĳ",
    "lj": "Ǉǈǉ",
    "ll": "Ỻỻ",
    "nj": "Ǌǋǌ",
    "oe": "Œœ",
    "ou": "Ȣȣ",
    "qp": "ȹ",
    "ss": "ßẞ",
    "st": "ﬅﬆ",
    "th": "Þþ",
    "ffi": "ﬃ",
    "ffl": "ﬄ",
}

# Combining marks stand after the letter that they change in decomposed text; they are dropped.
COMBINING_MARKS = ((0x0300, 0x036F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F))

# Apostrophes and letters that romanised Arabic and Turkish write as one: ' ` ´ ʹ ʻ ʼ ʽ ʾ ʿ ˈ ‘ ’ ‛ ′ ＇
APOSTROPHES = "'`\u00b4\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u2018\u2019\u201b\u2032\uff07"

# Characters that show nothing: soft hyphen, zero-width space and joiners, direction marks, word joiner, BOM.
INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
