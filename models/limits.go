package models

// MaxUserID is the longest user id in bytes. OpenID Connect Core 1.0, section
// 2, allows a "sub" 255 ASCII characters; ids of other characters are counted
// in the bytes of their UTF-8.
const MaxUserID = 255
