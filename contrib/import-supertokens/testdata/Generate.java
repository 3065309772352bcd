// Makes sessions as SuperTokens core has them, into recorded.json: keys, tokens and rows.
// Run it with a JDK of 17 or newer: java Generate.java >recorded.json
//
// It is in the core's own language, so that the core's primitives are used, and was
// written from the published format; the core itself has no part in it. Beside each
// field is where it was read, by the letters of ../doc.go.

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import javax.crypto.Cipher;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;

class Generate {
    static final SecureRandom RANDOM = new SecureRandom();
    static final long NOW = System.currentTimeMillis();
    static final long DAY = 24L * 3600 * 1000;

    // The tables, without the foreign keys.
    static final String[] TABLES = {
        // P, queries/GeneralQueries.java, getQueryToCreateTenantsTable
        "create table tenants (app_id varchar(64) not null default 'public', tenant_id varchar(64) not null default 'public', "
            + "created_at_time bigint unsigned not null, primary key (app_id, tenant_id))",
        // P, queries/GeneralQueries.java, getQueryToCreateKeyValueTable
        "create table key_value (app_id varchar(64) default 'public', tenant_id varchar(64) default 'public', "
            + "name varchar(128), value text, created_at_time bigint unsigned, primary key (app_id, tenant_id, name))",
        // P, queries/GeneralQueries.java, getQueryToCreateAppIdToUserIdTable
        "create table app_id_to_user_id (app_id varchar(64) not null default 'public', user_id char(36) not null, "
            + "primary_or_recipe_user_id char(36) not null, is_linked_or_is_a_primary_user boolean not null default false, "
            + "recipe_id varchar(128) not null, primary key (app_id, user_id))",
        // M, getQueryToCreateUserIdMappingTable
        "create table userid_mapping (app_id varchar(64) default 'public', supertokens_user_id char(36) not null, "
            + "external_user_id varchar(128) not null, external_user_id_info text, unique (app_id, supertokens_user_id), "
            + "unique (app_id, external_user_id), primary key (app_id, supertokens_user_id, external_user_id))",
        // P, queries/SessionQueries.java:43 to 54, and :71 the index
        "create table session_info (app_id varchar(64) default 'public', tenant_id varchar(64) default 'public', "
            + "session_handle varchar(255) not null, user_id varchar(128) not null, refresh_token_hash_2 varchar(128) not null, "
            + "session_data text, expires_at bigint unsigned not null, created_at_time bigint unsigned not null, "
            + "jwt_user_payload text, use_static_key boolean not null, primary key (app_id, tenant_id, session_handle))",
        "create index session_expiry_index on session_info (expires_at)",
    };

    // A row of any table: column and value by turns.
    record Row(String table, Object... fields) {
        String json() { return "{\"table\":" + quote(table, false) + ",\"fields\":" + object(fields) + "}"; }
    }

    static final List<Row> rows = new ArrayList<>();
    static final List<String> sessions = new ArrayList<>();

    // U:105 to 115, generateNewSigningKey: 64 random bytes as hex, through 1,000 rounds with
    // 64 bytes of salt into 512 bits. The text with both is the key.
    static String newKey() throws GeneralSecurityException {
        byte[] random = bytes(64), salt = bytes(64);
        return "1000:" + hex(salt) + ":" + hex(pbkdf2(hex(random), salt, 1000, 512));
    }

    // U:209 to 214, pbkdf2
    static byte[] pbkdf2(String text, byte[] salt, int rounds, int bits) throws GeneralSecurityException {
        var spec = new PBEKeySpec(text.toCharArray(), salt, rounds, bits);
        return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA512").generateSecret(spec).getEncoded();
    }

    // U:141 to 171, encrypt
    static String encrypt(String plain, String key) throws GeneralSecurityException {
        byte[] iv = bytes(12); // U:149
        var aes = new SecretKeySpec(pbkdf2(key, iv, 100, 256), "AES"); // U:153 and 154: the iv is the salt
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding"); // U:156
        cipher.init(Cipher.ENCRYPT_MODE, aes, new GCMParameterSpec(128, iv)); // U:157
        byte[] sealed = cipher.doFinal(plain.getBytes(StandardCharsets.UTF_8)); // U:163, the tag at the end
        byte[] all = new byte[iv.length + sealed.length]; // U:166 to 168
        System.arraycopy(iv, 0, all, 0, iv.length);
        System.arraycopy(sealed, 0, all, iv.length, sealed.length);
        return Base64.getEncoder().encodeToString(all); // U:170 and 171
    }

    // U:79 to 82, hashSHA256
    static String hash(String text) throws GeneralSecurityException {
        return hex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    // C, session/refreshToken/RefreshToken.java:103 to 116, createNewRefreshToken. Gson leaves
    // null fields out, and writes the others in the order of :164 to 174.
    static String newToken(String key, String handle, String user, String parentHash1, String antiCsrf, String tenant)
        throws GeneralSecurityException {
        String nonce = hash(UUID.randomUUID().toString()); // :111
        var json = new StringBuilder("{");
        member(json, "sessionHandle", handle); // :164
        member(json, "userId", user); // :166
        member(json, "parentRefreshTokenHash1", parentHash1); // :168
        member(json, "nonce", nonce); // :170
        member(json, "antiCsrfToken", antiCsrf); // :172
        member(json, "tenantId", tenant.equals("public") ? null : tenant); // :174 and 184
        return encrypt(json.append("}").toString(), key) + "." + nonce + ".V2"; // :115, 116 and 139
    }

    static void member(StringBuilder json, String name, String value) {
        if (value != null) {
            json.append(json.length() > 1 ? "," : "").append(quote(name, true)).append(":").append(quote(value, true));
        }
    }

    // One session to be made, and what it is called in the tests.
    static class Session {
        String name, app = "public", tenant = "public", user, key, payload = "{}", data = "{}", wants;
        boolean antiCsrf, row = true, first;
        long expires = NOW + 100 * DAY; // refresh_token_validity, C, config/CoreConfig.java: 144,000 minutes

        Session(String name, String user, String key) {
            this.name = name;
            this.user = this.wants = user;
            this.key = key;
        }

        // Three tokens that came one from the other: the first was replaced, the second is
        // current, the third its child that has not been used. With first, the session has
        // only just begun, and the first is current.
        void make() throws GeneralSecurityException {
            String handle = UUID.randomUUID().toString(); // C, session/Session.java, createNewSession
            if (!tenant.equals("public")) {
                handle += "_" + tenant; // the same
            }
            String one = next(handle, null), two = next(handle, one);
            // refreshSessionHelper: the hash of the parent, once, is in the child's token
            String replaced = first ? null : one, current = first ? one : two, child = first ? two : next(handle, two);
            if (row) {
                rows.add(new Row("session_info",
                    "app_id", app, // P, queries/SessionQueries.java:44 and 86
                    "tenant_id", tenant, // :45 and 87
                    "session_handle", handle, // :46 and 88
                    "user_id", user, // :47 and 89
                    "refresh_token_hash_2", hash(hash(current)), // :48 and 90; C, Session.java, createNewSession
                    "session_data", data, // :49 and 91
                    "expires_at", expires, // :50 and 92
                    "jwt_user_payload", payload, // :52 and 93
                    "created_at_time", NOW - DAY, // :51 and 94
                    "use_static_key", 0)); // :53 and 95
            }
            sessions.add(object("name", name, "app", app, "tenant", tenant, "handle", handle, "user", wants,
                "replaced", replaced, "current", current, "child", child));
        }

        String next(String handle, String parent) throws GeneralSecurityException {
            return newToken(key, handle, user, parent == null ? null : hash(parent),
                antiCsrf ? UUID.randomUUID().toString() : null, tenant);
        }
    }

    // A user of the auth recipes; primary is the one it is linked to, or itself.
    static String account(String primary) {
        String id = UUID.randomUUID().toString();
        rows.add(new Row("app_id_to_user_id", "app_id", "public", "user_id", id,
            "primary_or_recipe_user_id", primary == null ? id : primary,
            "is_linked_or_is_a_primary_user", primary == null ? 0 : 1, "recipe_id", "emailpassword"));
        return id;
    }

    static void map(String account, String external) {
        rows.add(new Row("userid_mapping", "app_id", "public", "supertokens_user_id", account, "external_user_id", external));
    }

    public static void main(String[] args) throws GeneralSecurityException {
        String key = newKey(), shopKey = newKey(), lostKey = newKey();
        String longTenant = "t".repeat(64);
        for (String[] at : new String[][] {{"public", "public"}, {"public", "acme"}, {"public", longTenant}, {"shop", "public"}}) {
            rows.add(new Row("tenants", "app_id", at[0], "tenant_id", at[1], "created_at_time", NOW - 9 * DAY));
        }
        // P, Start.java, setRefreshTokenSigningKey_Transaction: under the app's public tenant
        rows.add(new Row("key_value", "app_id", "public", "tenant_id", "public", "name", "refresh_token_key", "value", key,
            "created_at_time", NOW - 9 * DAY));
        rows.add(new Row("key_value", "app_id", "shop", "tenant_id", "public", "name", "refresh_token_key", "value", shopKey,
            "created_at_time", NOW - 9 * DAY));
        plain(key);
        users(key);
        tenants(key, longTenant);
        bad(key, shopKey, lostKey);
        print(System.out);
    }

    static void plain(String key) throws GeneralSecurityException {
        var plain = new Session("plain", account(null), key);
        // iss: N, createNewSessionInRequest
        plain.payload = "{\"iss\":\"https://api.example.com/auth\",\"role\":\"editor\",\"n\":12345678901234567890.10}";
        plain.data = "{\"cart\":[1,2.5],\"note\":\"<b>\"}";
        plain.make();
        var young = new Session("young", account(null), key);
        young.first = true;
        young.make();
        var guarded = new Session("guarded", account(null), key);
        guarded.antiCsrf = true;
        guarded.make();
    }

    // C, session/Session.java, createNewSession: a row has the external id of the account that
    // signed in, if there is one at that time.
    static void users(String key) throws GeneralSecurityException {
        map(account(null), "ada@example.com");
        new Session("mapped", "ada@example.com", key).make();

        String primary = account(null);
        map(primary, "the-primary");
        var linked = new Session("linked", account(primary), key);
        linked.wants = "the-primary";
        linked.make();
        String second = account(primary);
        map(second, "the-second");
        var both = new Session("linked and mapped", "the-second", key);
        both.wants = "the-primary";
        both.make();
        // The mapping was forced after the sign-in.
        var late = new Session("mapped since", primary, key);
        late.wants = "the-primary";
        late.make();

        new Session("foreign", "Gr\u00fc\u00dfe, \u4e16\u754c <&='\"\\> \u2028\uD83D\uDE00", key).make();
        new Session("upper case", "CASE", key).make();
        new Session("lower case", "case", key).make();
    }

    static void tenants(String key, String longTenant) throws GeneralSecurityException {
        String user = account(null);
        new Session("at home", user, key).make();
        var acme = new Session("at acme", user, key);
        acme.tenant = "acme";
        acme.payload = "{\"tId\":\"public\",\"role\":\"owner\"}"; // tokens of before core 6.0 let it be anybody's
        acme.make();
        var longest = new Session("longest", "<".repeat(128), key); // as wide as user_id
        longest.tenant = longTenant;
        longest.antiCsrf = true;
        longest.make();
        var elsewhere = new Session("elsewhere", user, key); // a tenant with a database of its own
        elsewhere.tenant = "elsewhere";
        elsewhere.row = false;
        elsewhere.make();
    }

    static void bad(String key, String shopKey, String lostKey) throws GeneralSecurityException {
        var shop = new Session("other app", account(null), shopKey);
        shop.app = "shop";
        shop.make();
        // The app's key, but the row is another app's: nothing of the core makes this.
        var crossed = new Session("crossed", account(null), key);
        crossed.app = "shop";
        crossed.make();
        new Session("unknown key", account(null), lostKey).make();
        var reserved = new Session("reserved", account(null), key);
        reserved.payload = "{\"aud\":\"shop\",\"exp\":7,\"role\":\"editor\"}";
        reserved.make();
        var expired = new Session("expired", account(null), key);
        expired.expires = NOW - 1000;
        expired.make();
        var revoked = new Session("revoked", account(null), key);
        revoked.row = false;
        revoked.make();
    }

    static void print(PrintStream out) {
        var text = new StringBuilder("{\n \"now\": " + NOW + ",\n \"tables\": [");
        for (int i = 0; i < TABLES.length; i++) {
            text.append(i == 0 ? "\n  " : ",\n  ").append(quote(TABLES[i], false));
        }
        text.append("\n ],\n \"rows\": [");
        for (int i = 0; i < rows.size(); i++) {
            text.append(i == 0 ? "\n  " : ",\n  ").append(rows.get(i).json());
        }
        text.append("\n ],\n \"sessions\": [\n  ").append(String.join(",\n  ", sessions)).append("\n ]\n}\n");
        byte[] all = text.toString().getBytes(StandardCharsets.UTF_8); // whatever the terminal's encoding
        out.write(all, 0, all.length);
        out.flush();
    }

    static byte[] bytes(int n) {
        byte[] b = new byte[n];
        RANDOM.nextBytes(b);
        return b;
    }

    static String hex(byte[] b) { return HexFormat.of().formatHex(b); }

    static String object(Object... fields) {
        var text = new StringBuilder("{");
        for (int i = 0; i < fields.length; i += 2) {
            if (fields[i + 1] == null) {
                continue;
            }
            String value = fields[i + 1] instanceof String s ? quote(s, false) : fields[i + 1].toString();
            text.append(text.length() > 1 ? "," : "").append(quote((String) fields[i], false)).append(":").append(value);
        }
        return text.append("}").toString();
    }

    // JSON of a text; html is as Gson writes objects, which escapes what HTML or JavaScript
    // could take for something else.
    static String quote(String text, boolean html) {
        var b = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            boolean escaped = c < ' ' || c == '\u2028' || c == '\u2029' || html && "<>&='".indexOf(c) >= 0;
            if (c == '"' || c == '\\') {
                b.append('\\').append(c);
            } else if (escaped) {
                b.append(String.format("\\u%04x", (int) c));
            } else {
                b.append(c);
            }
        }
        return b.append("\"").toString();
    }
}
